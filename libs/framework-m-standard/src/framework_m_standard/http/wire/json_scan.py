"""What the text of JSON tells that decoders do not: its size in values, and keys that an object repeats."""

from __future__ import annotations

import json
import re
from typing import Any, Final

__all__ = ["count_values", "find_repeated_key"]

_MAX_STRINGS: Final = 1_000_000
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"\s*(:)?')
_MAX_SHOWN: Final = 80
_MAX_SEARCHED: Final = 256 * 1024


def count_values(text: bytes) -> int:
    """Return the number of values in JSON text, arrays and objects included and empty ones counted twice.

    Text of very many strings is not searched: half of them are counted, since each second one may be a key.
    """
    text = text.replace(rb"\\", b"").replace(rb"\"", b"")
    strings = text.count(b'"') // 2
    if strings > _MAX_STRINGS:
        return (strings + 1) // 2
    outside = b"".join(text.split(b'"')[::2])
    return 1 + outside.count(b",") + outside.count(b"[") + outside.count(b"{")


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
