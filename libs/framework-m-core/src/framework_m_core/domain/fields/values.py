"""Values by kind: conversion from JSON to the stored form, within bounds that every store can hold."""

from __future__ import annotations

import base64
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final
from uuid import UUID

from framework_m_core.domain.fields.field_type import FieldType
from framework_m_core.domain.fields.spec import DECIMAL_DIGITS, FieldKind, FieldSpec

__all__ = ["MAX_BYTES", "MAX_INDEXED_TEXT", "bounded", "from_json"]

MAX_INDEXED_TEXT: Final = 255
"""The maximum length of a name or an indexed text in characters, so that an index entry fits on every store."""

MAX_BYTES: Final = 1 << 20
"""The maximum length of a value of the kind `bytes`; larger ones are files."""

_INT64: Final = 1 << 63
_MAX_JSON_DEPTH: Final = 32
_MAX_JSON_PARTS: Final = 100_000
_FIRST_EXPONENT: Final = 1e16
_QUANTA: Final = tuple(Decimal(1).scaleb(-scale) for scale in range(DECIMAL_DIGITS + 1))
_FIRST_DAY, _LAST_DAY = date(1, 1, 2), date(9999, 12, 30)


def from_json(spec: FieldSpec, raw: Any) -> Any:
    """Convert a JSON value to a field's stored value. Raises ValueError stating what was expected.

    JSON is as decoded by `http`: numbers with a point or exponent are `Decimal`.
    """
    if raw is None:
        return None
    if spec.field_type is not None:
        return _canonical(spec, spec.field_type, spec.field_type.from_json(raw), rounding=False)
    value = _FROM_JSON[spec.kind](raw)
    return bounded(spec, value)


def bounded(spec: FieldSpec, value: Any, *, rounding: bool = False) -> Any:
    """Return a value in its stored form (UTC, padded decimals). Raises ValueError if it is out of bounds.

    With `rounding`, decimals are rounded half-even to the field's scale instead of rejected.
    """
    if value is None:
        return None
    if spec.kind is FieldKind.DECIMAL:
        return _decimal(value, spec.scale or 0, rounding)
    if spec.field_type is not None:
        return _canonical(spec, spec.field_type, value, rounding=rounding)
    bound = _BOUNDS.get(spec.kind)
    return value if bound is None else bound(value)


def _canonical(spec: FieldSpec, field_type: FieldType[Any], value: Any, *, rounding: bool) -> Any:
    """Return the value as a store would return it. Raises TypeError for one of another class."""
    if not isinstance(value, field_type.python_type):
        raise TypeError(f"expected {field_type.python_type.__name__}, got {type(value).__name__}")
    parts = field_type.to_parts(value)
    for column, part in zip(spec.parts, parts, strict=True):
        if part is None:
            raise ValueError(f"a value for {column.name} is expected")
        if isinstance(part, str) and len(part) > MAX_INDEXED_TEXT and "eq" in field_type.operators:
            raise ValueError(f"at most {MAX_INDEXED_TEXT} characters are expected in {column.name}")
    columns = zip(spec.parts, parts, strict=True)
    return field_type.from_parts(tuple(bounded(column, part, rounding=rounding) for column, part in columns))


def _bytes(value: bytes) -> bytes:
    if len(value) > MAX_BYTES:
        raise ValueError(f"at most {MAX_BYTES} bytes are expected")
    return value


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("text without NUL characters is expected")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("text of whole Unicode characters is expected, a lone surrogate came") from None
    return value


def _integer(value: int) -> int:
    if not -_INT64 <= value < _INT64:
        raise ValueError("an integer within 64 bits is expected")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("a finite number is expected")
    return float(value)


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a moment with its UTC offset is expected, such as 2026-01-31T12:00:00Z")
    _in_calendar(value.date())
    return value.astimezone(UTC)


def _in_calendar[D: date](value: D) -> D:
    if not _FIRST_DAY <= value <= _LAST_DAY:
        raise ValueError(f"a date from {_FIRST_DAY} to {_LAST_DAY} is expected")
    return value


def _decimal(value: Decimal, scale: int, rounding: bool) -> Decimal:
    room = DECIMAL_DIGITS - scale
    too_large = f"a finite decimal of at most {room} digits before the point is expected"
    if not value.is_finite() or value.adjusted() >= room:
        raise ValueError(too_large)
    rounded = value.quantize(_QUANTA[scale], rounding=ROUND_HALF_EVEN) + 0
    if rounded != value and not rounding:
        raise ValueError(f"at most {scale} decimal places are expected")
    if rounded.adjusted() >= room:
        raise ValueError(too_large)
    return rounded


def _json(value: Any) -> Any:
    return _json_part(value, 0, itertools.count(1))


def _json_part(value: Any, depth: int, parts: Iterator[int]) -> Any:
    if next(parts) > _MAX_JSON_PARTS:
        raise ValueError(f"JSON of at most {_MAX_JSON_PARTS} values is expected")
    if depth > _MAX_JSON_DEPTH:
        raise ValueError(f"JSON nested at most {_MAX_JSON_DEPTH} deep is expected")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, (float, Decimal)):
        return _json_number(_finite(float(value)))
    if isinstance(value, Mapping):
        return {_json_key(key): _json_part(item, depth + 1, parts) for key, item in value.items()}
    if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [_json_part(item, depth + 1, parts) for item in value]
    raise ValueError(f"a JSON value is expected, {type(value).__name__} came")


def _json_number(value: float) -> float | int:
    """Return a large whole number as an integer, as exact stores would, and any other number unchanged."""
    return int(value) if _FIRST_EXPONENT <= abs(value) < _INT64 else value


def _json_key(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueError(f"text keys are expected in JSON objects, {type(key).__name__} came")
    return _text(key)


def _expect_text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError("text is expected")
    return raw


def _expect_integer(raw: Any) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise ValueError("an integer is expected")
    return raw


def _expect_number(raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, Decimal)):
        raise ValueError("a number is expected")
    try:
        return float(raw)
    except OverflowError:
        raise ValueError("a finite number is expected") from None


def _expect_boolean(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise ValueError("true or false is expected")
    return raw


def _expect_decimal(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, (str, int, Decimal)):
        raise ValueError('a decimal is expected, such as "12.50"')
    if isinstance(raw, str) and _DECIMAL.fullmatch(raw) is None:
        raise ValueError('a decimal is expected, such as "12.50"')
    return Decimal(raw)


def _expect_datetime(raw: Any) -> datetime:
    if isinstance(raw, datetime):
        return raw
    try:
        return datetime.fromisoformat(_expect_text(raw))
    except ValueError:
        raise ValueError("an ISO 8601 moment is expected, such as 2026-01-31T12:00:00Z") from None


def _expect_date(raw: Any) -> date:
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw
    try:
        return date.fromisoformat(_expect_text(raw))
    except ValueError:
        raise ValueError("an ISO 8601 date is expected, such as 2026-01-31") from None


def _expect_uuid(raw: Any) -> UUID:
    if isinstance(raw, UUID):
        return raw
    try:
        return UUID(_expect_text(raw))
    except ValueError:
        raise ValueError("a UUID is expected") from None


def _expect_bytes(raw: Any) -> bytes:
    if isinstance(raw, bytes):
        return raw
    try:
        return base64.b64decode(_expect_text(raw).encode("ascii"), validate=True)
    except ValueError:
        raise ValueError("bytes in base64 are expected, such as 'SGVsbG8='") from None


_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
"""Plain decimal notation: Python's own parser also accepts underscores, whitespace and digits of other scripts."""

_BOUNDS: Final[Mapping[FieldKind, Callable[[Any], Any]]] = {
    FieldKind.TEXT: _text,
    FieldKind.INTEGER: _integer,
    FieldKind.FLOAT: _finite,
    FieldKind.DATETIME: _utc,
    FieldKind.DATE: _in_calendar,
    FieldKind.JSON: _json,
    FieldKind.BYTES: _bytes,
}

_FROM_JSON: Final[Mapping[FieldKind, Callable[[Any], Any]]] = {
    FieldKind.TEXT: _expect_text,
    FieldKind.INTEGER: _expect_integer,
    FieldKind.FLOAT: _expect_number,
    FieldKind.BOOLEAN: _expect_boolean,
    FieldKind.DECIMAL: _expect_decimal,
    FieldKind.DATETIME: _expect_datetime,
    FieldKind.DATE: _expect_date,
    FieldKind.UUID: _expect_uuid,
    FieldKind.JSON: lambda raw: raw,
    FieldKind.BYTES: _expect_bytes,
}
