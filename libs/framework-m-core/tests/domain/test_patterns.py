"""Patterns of `like`: their meaning, and what a search with many wildcards costs."""

from __future__ import annotations

import re
import time

from hypothesis import example, given
from hypothesis import strategies as st

from framework_m_core.domain.filters.patterns import pattern_regex


def plainly(pattern: str) -> re.Pattern[str]:
    """The expression in which each wildcard tries every length."""
    tokens = re.findall(r"\\(.)|(%)|(_)|([^\\%_])", pattern, re.DOTALL)
    parts = (".*" if run else "." if one else re.escape(escaped or text) for escaped, run, one, text in tokens)
    return re.compile("".join(parts), re.DOTALL)


@given(st.text("ab%_", max_size=8), st.text("abc\n", max_size=10))
@example("a%b%", "acbb")
@example("%ab%b", "aab")
@example("%_b%b_", "abbb")
@example("%%", "")
def test_a_wildcard_may_take_its_first_match(pattern: str, text: str) -> None:
    found = pattern_regex(pattern).fullmatch(text)
    assert (found is None) is (plainly(pattern).fullmatch(text) is None)


def test_a_search_costs_no_more_than_its_text_times_its_pattern() -> None:
    began = time.process_time()
    patterns = ["%a" * 6 + "b", "a%" * 6 + "b", "%" + "_" * 490 + "b"]
    assert [pattern for pattern in patterns if pattern_regex(pattern).fullmatch("a" * 20_000)] == []
    assert time.process_time() - began < 5
