"""Detection of repeated keys in decoded JSON, of which decoders silently keep the last."""

from __future__ import annotations

import json
import re
from typing import Any, Final

__all__ = ["find_repeated_key"]

_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"\s*(:)?')
_MAX_SHOWN: Final = 80
_MAX_SEARCHED: Final = 256 * 1024


def find_repeated_key(text: bytes, value: Any) -> str | None:
    """Return a key that an object in the valid JSON `text` names twice, or None. `value` is the decoded text.

    In a large text the key is not looked for, and its place in the result is taken by an ellipsis.
    """
    if _STRING.findall(text).count(b":") == _key_count(value):
        return None
    if len(text) > _MAX_SEARCHED:
        return "…"
    found: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                found.append(key)
            seen.add(key)

    json.loads(text, object_pairs_hook=keep, parse_int=float)
    return found[0][:_MAX_SHOWN] if found else None


def _key_count(value: Any) -> int:
    count, rest = 0, [value]
    while rest:
        part = rest.pop()
        if isinstance(part, dict):
            count += len(part)
            rest += part.values()
        elif isinstance(part, list):
            rest += part
    return count
