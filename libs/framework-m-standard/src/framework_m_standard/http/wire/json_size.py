"""The size of JSON in values, counted before it is decoded: a small body of many values holds up the event loop."""

from __future__ import annotations

from typing import Final

__all__ = ["count_values"]

_MAX_STRINGS: Final = 1_000_000


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
