"""Suggestions for misspelt words."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]

_LONGEST = 80


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return a text such as `: did you mean 'unique'?` if a known word is similar, else an empty one."""
    text = str(word)[:_LONGEST]
    by_folded = {name.lower(): name for name in known}
    found = get_close_matches(text.lower(), by_folded, n=1)
    return f": did you mean {by_folded[found[0]]!r}?" if found else ""
