"""Encoding of cached values as text, shared by all adapters, so that any process can read them.

The text is JSON; other types are objects with one key that begins with `$`, and dict keys that begin with `$` get
another.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from itertools import count
from typing import Any, Final
from uuid import UUID

__all__ = ["MAX_TEXT", "decode_cached", "encode_cached"]

MAX_TEXT: Final = 1_000_000
"""The maximum length of an encoded value, in (ASCII) characters."""

_MAX_DEPTH: Final = 64
_MAX_PARTS: Final = 200_000
_INT64: Final = 1 << 63
_EXPECTED: Final = "expected None, bool, int, float, str, Decimal, datetime, date, UUID, or a list or dict of these"


def encode_cached(value: Any) -> str:
    """Return a value as text. Raises ValueError for a value that would not be decoded unchanged."""
    text = json.dumps(_to_json(value, 0, count(1)), separators=(",", ":"), allow_nan=False)
    if len(text) > MAX_TEXT:
        raise ValueError(f"expected a value of at most {MAX_TEXT} characters as JSON, got {len(text)}")
    return text


def decode_cached(text: str) -> Any:
    """Return the value encoded by `encode_cached`, in new containers."""
    return json.loads(text, object_hook=_restore) if '"$' in text else json.loads(text)


def _to_json(value: Any, depth: int, parts: Iterator[int]) -> Any:
    if next(parts) > _MAX_PARTS:
        raise ValueError(f"expected a value of at most {_MAX_PARTS} parts, got more")
    if value is None or (isinstance(value, (str, bool)) and not isinstance(value, Enum)):
        return value
    if depth > _MAX_DEPTH:
        raise ValueError(f"expected a value nested at most {_MAX_DEPTH} levels deep, got more")
    if isinstance(value, list):
        return [_to_json(item, depth + 1, parts) for item in value]
    if isinstance(value, dict):
        return {_key(key): _to_json(item, depth + 1, parts) for key, item in value.items()}
    for kind, write in _ENCODERS.items():
        if isinstance(value, kind) and not isinstance(value, Enum):
            return write(value)
    raise ValueError(f"{_EXPECTED}, got {type(value).__name__}")


def _key(key: Any) -> str:
    if not isinstance(key, str) or isinstance(key, Enum):
        raise ValueError(f"expected str as the key of a dict, got {type(key).__name__}")
    return f"${key}" if key.startswith("$") else key


def _integer(value: int) -> int:
    if not -_INT64 <= value < _INT64:
        raise ValueError(f"expected an integer of at most 64 bits, got {value}")
    return value


def _float(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value}")
    return value


def _decimal(value: Decimal) -> dict[str, str]:
    if not value.is_finite():
        raise ValueError(f"expected a finite number, got {value}")
    return {"$decimal": str(value)}


def _datetime(value: datetime) -> dict[str, str]:
    if value.tzinfo is None:
        raise ValueError(f"expected a datetime with a UTC offset, got {value}")
    try:
        return {"$datetime": value.astimezone(UTC).isoformat()}
    except OverflowError:
        raise ValueError(f"expected a datetime within the calendar in UTC, got {value}") from None


_ENCODERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    int: _integer,
    float: _float,
    Decimal: _decimal,
    datetime: _datetime,  # before date, its base class
    date: lambda value: {"$date": value.isoformat()},
    UUID: lambda value: {"$uuid": str(value)},
}
_DECODERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "$decimal": Decimal,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$uuid": UUID,
}


def _restore(found: dict[str, Any]) -> Any:
    if len(found) == 1:
        ((key, value),) = found.items()
        if read := _DECODERS.get(key):
            return read(value)
    return {key[1:] if key.startswith("$") else key: value for key, value in found.items()}
