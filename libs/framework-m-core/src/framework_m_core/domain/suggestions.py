"""Words that a misspelt one may have been meant as."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]

_LONGEST = 80


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """`: did you mean 'unique'?` where a known word is like it, else nothing."""
    text = str(word)[:_LONGEST]
    by_folded = {name.lower(): name for name in known}
    found = get_close_matches(text.lower(), by_folded, n=1)
    return f": did you mean {by_folded[found[0]]!r}?" if found else ""
