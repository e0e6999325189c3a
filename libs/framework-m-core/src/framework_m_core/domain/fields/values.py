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
from framework_m_core.domain.fields.messages import message_for
from framework_m_core.domain.fields.spec import DECIMAL_DIGITS, FieldKind, FieldSpec

__all__ = ["MAX_BYTES", "MAX_INDEXED_TEXT", "InvalidValueError", "bounded", "from_json"]

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


class InvalidValueError(ValueError):
    """A value is not one of its field; `code` and `params` are those of a FieldError."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(message_for(code, params))
        self.code = code
        self.params: Mapping[str, object] = params


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
            raise InvalidValueError("required", part=column.name)
        if isinstance(part, str) and len(part) > MAX_INDEXED_TEXT and "eq" in field_type.operators:
            raise InvalidValueError("too_long", max_length=MAX_INDEXED_TEXT, part=column.name)
    columns = zip(spec.parts, parts, strict=True)
    return field_type.from_parts(tuple(bounded(column, part, rounding=rounding) for column, part in columns))


def _bytes(value: bytes) -> bytes:
    if len(value) > MAX_BYTES:
        raise InvalidValueError("out_of_bounds", max_bytes=MAX_BYTES)
    return value


def _text(value: str) -> str:
    if "\0" in value:
        raise InvalidValueError("out_of_bounds", character="NUL")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValueError("out_of_bounds", character="lone surrogate") from None
    return value


def _integer(value: int) -> int:
    if not -_INT64 <= value < _INT64:
        raise InvalidValueError("out_of_bounds", bits=64)
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise InvalidValueError("out_of_bounds", finite="number")
    return float(value)


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise InvalidValueError("wrong_type", type="datetime")
    _in_calendar(value.date())
    return value.astimezone(UTC)


def _in_calendar[D: date](value: D) -> D:
    if not _FIRST_DAY <= value <= _LAST_DAY:
        raise InvalidValueError("out_of_bounds", min=_FIRST_DAY, max=_LAST_DAY)
    return value


def _decimal(value: Decimal, scale: int, rounding: bool) -> Decimal:
    room = DECIMAL_DIGITS - scale
    if not value.is_finite() or value.adjusted() >= room:
        raise InvalidValueError("out_of_bounds", max_whole_digits=room)
    rounded = value.quantize(_QUANTA[scale], rounding=ROUND_HALF_EVEN) + 0
    if rounded != value and not rounding:
        raise InvalidValueError("out_of_bounds", max_decimal_places=scale)
    if rounded.adjusted() >= room:
        raise InvalidValueError("out_of_bounds", max_whole_digits=room)
    return rounded


def _json(value: Any) -> Any:
    return _json_part(value, 0, itertools.count(1))


def _json_part(value: Any, depth: int, parts: Iterator[int]) -> Any:
    if next(parts) > _MAX_JSON_PARTS:
        raise InvalidValueError("out_of_bounds", max_values=_MAX_JSON_PARTS)
    if depth > _MAX_JSON_DEPTH:
        raise InvalidValueError("out_of_bounds", max_depth=_MAX_JSON_DEPTH)
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
    raise InvalidValueError("wrong_type", type="json", got=type(value).__name__)


def _json_number(value: float) -> float | int:
    """Return a large whole number as an integer, as exact stores would, and any other number unchanged."""
    return int(value) if _FIRST_EXPONENT <= abs(value) < _INT64 else value


def _json_key(key: Any) -> str:
    if not isinstance(key, str):
        raise InvalidValueError("wrong_type", type="key", got=type(key).__name__)
    return _text(key)


def _expect_text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise InvalidValueError("wrong_type", type="text")
    return raw


def _expect_integer(raw: Any) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise InvalidValueError("wrong_type", type="integer")
    return raw


def _expect_number(raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, Decimal)):
        raise InvalidValueError("wrong_type", type="float")
    try:
        return float(raw)
    except OverflowError:
        raise InvalidValueError("out_of_bounds", finite="number") from None


def _expect_boolean(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise InvalidValueError("wrong_type", type="boolean")
    return raw


def _expect_decimal(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, (str, int, Decimal)):
        raise InvalidValueError("wrong_type", type="decimal")
    if isinstance(raw, str) and _DECIMAL.fullmatch(raw) is None:
        raise InvalidValueError("wrong_type", type="decimal")
    return Decimal(raw)


def _expect_datetime(raw: Any) -> datetime:
    if isinstance(raw, datetime):
        return raw
    try:
        return datetime.fromisoformat(_expect_text(raw))
    except ValueError:
        raise InvalidValueError("wrong_type", type="datetime") from None


def _expect_date(raw: Any) -> date:
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw
    try:
        return date.fromisoformat(_expect_text(raw))
    except ValueError:
        raise InvalidValueError("wrong_type", type="date") from None


def _expect_uuid(raw: Any) -> UUID:
    if isinstance(raw, UUID):
        return raw
    try:
        return UUID(_expect_text(raw))
    except ValueError:
        raise InvalidValueError("wrong_type", type="uuid") from None


def _expect_bytes(raw: Any) -> bytes:
    if isinstance(raw, bytes):
        return raw
    try:
        text = _expect_text(raw).encode("ascii")
        value = base64.b64decode(text, validate=True)
    except ValueError:
        raise InvalidValueError("wrong_type", type="bytes") from None
    if base64.b64encode(value) != text:  # each value has one spelling
        raise InvalidValueError("wrong_type", type="bytes")
    return value


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
