"""Suggestions for misspelt words."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "find_similar"]

_MAX_LENGTH = 80


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return a text such as `: did you mean 'unique'?` if a known word is similar, else an empty one."""
    found = find_similar(word, known)
    return "" if found is None else f": did you mean {found!r}?"


def find_similar(word: object, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return the known word that is most similar, letter case aside, if one is; `likeness` is 1 for equal words."""
    text = str(word)[:_MAX_LENGTH]
    by_folded = {name.lower(): name for name in known}
    found = get_close_matches(text.lower(), by_folded, n=1, cutoff=likeness)
    return by_folded[found[0]] if found else None
