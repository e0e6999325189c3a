"""`like` on MongoDB: the meaning of every store, at a cost that is bounded on the server, too."""

from __future__ import annotations

import asyncio

import pytest

from framework_m_core.domain.filters.patterns import pattern_regex
from framework_m_core.domain.filters.tree import Comparison
from framework_m_testing.harness import StoreHarness

_PATTERNS = ("%ab%b", "a%b%", "%_b%b_", "%%", "_%", "%a.b%", "\\%%a\\_", "ab", "%b")
_TEXTS = ("aab", "acbb", "abbb", "", "x", "xa.b", "xaxb", "%ba_", "ab", "a\nb")


@pytest.mark.parametrize("pattern", _PATTERNS)
async def test_a_wildcard_may_take_its_first_match(store: StoreHarness, pattern: str) -> None:
    for text in _TEXTS:
        await store.store("Thing", text=text)
    async with store.units(store.context) as unit:
        found = await unit.repository("Thing").count(Comparison("text", "like", pattern))
    assert found == len([text for text in _TEXTS if pattern_regex(pattern).fullmatch(text)])


@pytest.mark.parametrize("operator", ["like", "ilike"])
async def test_a_search_costs_no_more_than_its_text_times_its_pattern(store: StoreHarness, operator: str) -> None:
    await store.store("Thing", text="a" * 100_000)
    async with store.units(store.context) as unit, asyncio.timeout(10):
        for pattern in ("%a" * 6 + "b", "a%" * 6 + "b", "%" + "_" * 490 + "b"):
            where = Comparison("text", operator, pattern)  # type: ignore[arg-type]
            assert await unit.repository("Thing").count(where) == 0, pattern
