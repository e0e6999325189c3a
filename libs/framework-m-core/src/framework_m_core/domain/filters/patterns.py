"""Patterns of `like` and `ilike`."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["check_pattern", "fold_ascii", "pattern_regex"]

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_TOKEN = re.compile(r"\\(.)|(%)|(_)|([^\\%_]+)", re.DOTALL)


def fold_ascii(text: str) -> str:
    """Lower-case A–Z and leave all other characters unchanged."""
    return text.translate(_ASCII_LOWER)


def check_pattern(pattern: str) -> str:
    """Return the pattern. Raises ValueError if it ends in a lone backslash."""
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise ValueError("the pattern ends in a lone backslash: write two to match one")
    return pattern


@lru_cache(maxsize=256)
def pattern_regex(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a `like` pattern, in which a backslash escapes, for a full match.

    Each part between wildcards takes its first match and gives nothing back: parts have fixed lengths, so that is
    enough, and a search costs no more than its text times its pattern.
    """
    parts = [""]
    for escaped, any_run, any_one, text in _TOKEN.findall(pattern):
        if any_run:
            parts.append("")
        else:
            parts[-1] += "." if any_one else re.escape(escaped or text)
    first, *others = parts
    *middle, last = others or [""]
    runs = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"{first}{runs}.*{last}" if others else first, re.DOTALL)
