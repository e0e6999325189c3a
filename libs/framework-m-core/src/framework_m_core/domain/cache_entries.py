"""Checks of cache keys and `ttl`, and matching of keys by pattern."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = [
    "MAX_KEY",
    "MAX_STORED_KEY",
    "MAX_TTL",
    "MIN_TTL",
    "PREFIX_LENGTH",
    "check_key",
    "check_ttl",
    "compile_key_pattern",
]

MAX_KEY: Final = 500
"""The maximum length of a key or pattern, in characters."""

PREFIX_LENGTH: Final = 33
"""The length of the prefix that keeps the keys of tenants apart."""

MAX_STORED_KEY: Final = MAX_KEY + PREFIX_LENGTH
"""The maximum length of a key or pattern that an adapter takes."""

MIN_TTL: Final = 0.001
MAX_TTL: Final = 1_000_000_000.0
"""In seconds: from a millisecond to about thirty years."""


def check_key(key: object, maximum: int = MAX_KEY) -> str:
    """Return the key. Raises ValueError for a key that some cache could not hold."""
    if not isinstance(key, str) or not 0 < len(key) <= maximum:
        raise ValueError(f"expected a cache key of 1 to {maximum} characters, got {_describe(key)}")
    if "\0" in key or not _is_encodable(key):
        raise ValueError(f"expected a cache key without NUL and lone surrogates, got {_describe(key)}")
    return key


def check_ttl(ttl: float | None) -> float | None:
    """Return `ttl`. Raises ValueError unless it is None or a number from MIN_TTL to MAX_TTL."""
    is_number = isinstance(ttl, (int, float)) and not isinstance(ttl, bool)
    if ttl is not None and not (is_number and MIN_TTL <= ttl <= MAX_TTL):
        raise ValueError(f"expected a ttl of {MIN_TTL} to {MAX_TTL:.0f} seconds, or None for no expiry, got {ttl}")
    return ttl


def compile_key_pattern(pattern: str) -> Callable[[str], object]:
    """Return a function that tests keys against a pattern, in time bounded by the key's length.

    `*` matches any run of characters, even an empty one, `?` any one character; a backslash escapes the next
    character; everything else matches itself. Raises ValueError for a pattern that is not a valid key or ends in a lone
    backslash.
    """
    first, *rest = _segments(check_key(pattern, MAX_STORED_KEY))
    if rest:
        # Atomic groups prevent backtracking into earlier runs, so that many stars do not multiply the time.
        first += "".join(f"(?>.*?{run})" for run in rest[:-1]) + ".*" + rest[-1]
    return re.compile(first, re.DOTALL).fullmatch


def _segments(pattern: str) -> list[str]:
    """Return the parts between the stars as regular expressions."""
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
            raise ValueError(f"the pattern {pattern!r} ends in a lone backslash: write two to match one")
    return runs


def _is_encodable(key: str) -> bool:
    return key.isascii() or not any("\ud800" <= character <= "\udfff" for character in key)


def _describe(key: object) -> str:
    return repr(key) if len(repr(key)) <= MAX_KEY else f"{type(key).__name__} of {len(repr(key))} characters"
