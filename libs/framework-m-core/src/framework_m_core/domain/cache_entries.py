"""What an entry of a cache may be: its key, how long it is kept, and which keys a pattern means."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = ["MAX_KEY", "MAX_TTL", "MIN_TTL", "check_key", "check_ttl", "key_matcher"]

MAX_KEY: Final = 500
"""Characters that a key, or a pattern, may have."""

MIN_TTL: Final = 0.001
MAX_TTL: Final = 1_000_000_000.0
"""Seconds: from a millisecond to some thirty years."""


def check_key(key: object) -> str:
    """The key. Raises ValueError for one that some cache could not hold."""
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY:
        raise ValueError(f"a cache key is text of 1 to {MAX_KEY} characters, {_shown(key)} came")
    if "\0" in key or not _is_encodable(key):
        raise ValueError(f"a cache key has no NUL and no lone surrogate, {_shown(key)} came")
    return key


def check_ttl(ttl: float | None) -> float | None:
    """The seconds. Raises ValueError unless they are a number that is more than nothing and has an end."""
    is_number = isinstance(ttl, (int, float)) and not isinstance(ttl, bool)
    if ttl is not None and not (is_number and MIN_TTL <= ttl <= MAX_TTL):
        raise ValueError(f"ttl is seconds from {MIN_TTL} to {MAX_TTL:.0f}, or None to keep without an end; {ttl} came")
    return ttl


def key_matcher(pattern: str) -> Callable[[str], object]:
    """Tells keys that match a pattern, in time that grows with the key's length alone.

    `*` is any run of characters, the empty one too, `?` is any one character, a backslash takes the next character as
    it is, and everything else is itself. Raises ValueError for a pattern that is no key or ends in its escape.
    """
    first, *rest = _runs(check_key(pattern))
    if rest:
        # Atomic groups: what a run has found first is not tried anew, so that many stars do not multiply.
        first += "".join(f"(?>.*?{run})" for run in rest[:-1]) + ".*" + rest[-1]
    return re.compile(first, re.DOTALL).fullmatch


def _runs(pattern: str) -> list[str]:
    """What stands between the stars, as regular expressions."""
    runs = [""]
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            runs.append("")
        elif character == "?":
            runs[-1] += "."
        elif character != "\\":
            runs[-1] += re.escape(character)
        elif taken := next(characters, ""):
            runs[-1] += re.escape(taken)
        else:
            raise ValueError(f"the pattern {pattern!r} ends in a backslash: write two for the character itself")
    return runs


def _is_encodable(key: str) -> bool:
    return key.isascii() or not any("\ud800" <= character <= "\udfff" for character in key)


def _shown(key: object) -> str:
    return repr(key) if len(repr(key)) <= MAX_KEY else f"{type(key).__name__} of {len(repr(key))} characters"
