"""Suggestions for misspelt words."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "similar"]

_MAX_LENGTH = 80


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return a text such as `: did you mean 'unique'?` if a known word is similar, else an empty one."""
    found = similar(word, known)
    return "" if found is None else f": did you mean {found!r}?"


def similar(word: object, known: Iterable[str]) -> str | None:
    """Return the known word that is most similar, letter case aside, if one is."""
    text = str(word)[:_MAX_LENGTH]
    by_folded = {name.lower(): name for name in known}
    found = get_close_matches(text.lower(), by_folded, n=1)
    return by_folded[found[0]] if found else None
