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
from framework_m_core.domain.messages import format_message

__all__ = [
    "MAX_BYTES",
    "MAX_INDEXED_TEXT",
    "MAX_JSON_DEPTH",
    "MAX_JSON_VALUES",
    "InvalidValueError",
    "from_json",
    "normalize_value",
    "parse_decimal",
    "round_decimal",
]

MAX_INDEXED_TEXT: Final = 255
"""The maximum length of a name or an indexed text in characters, so that an index entry fits on every store."""

MAX_BYTES: Final = 1 << 20
"""The maximum length of a value of the kind `bytes`; larger ones are files."""

_MAX_FREE_DIGITS: Final = 100
"""The most digits of a decimal that no field bounds, and the most places of its point beyond them."""

_INT64: Final = 1 << 63
MAX_JSON_DEPTH: Final = 32
"""The maximum number of levels inside a JSON value."""

MAX_JSON_VALUES: Final = 100_000
"""The maximum number of values inside a JSON value, each array and object counted too."""

_FIRST_EXPONENT: Final = 1e16
_QUANTA: Final = tuple(Decimal(1).scaleb(-scale) for scale in range(DECIMAL_DIGITS + 1))


class InvalidValueError(ValueError):
    """A value is not one of its field; `code` and `params` are those of a FieldError."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(format_message(code, params))
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
    try:
        value = _FROM_JSON[spec.kind](raw)
    except InvalidValueError:
        if spec.link:
            raise InvalidValueError("wrong_type", type="reference") from None
        raise
    return normalize_value(spec, value)


def parse_decimal(raw: Any) -> Decimal:
    """Convert JSON to an exact decimal of any scale. Raises ValueError for one of more digits than anybody writes."""
    if isinstance(raw, int) and raw.bit_length() > 4 * _MAX_FREE_DIGITS:
        raise InvalidValueError("out_of_bounds", max_digits=_MAX_FREE_DIGITS)
    if isinstance(raw, str) and len(raw) > 2 * _MAX_FREE_DIGITS:
        raise InvalidValueError("out_of_bounds", max_length=2 * _MAX_FREE_DIGITS)
    value = _expect_decimal(raw)
    if value.is_finite() and not _is_short(value):
        raise InvalidValueError("out_of_bounds", max_digits=_MAX_FREE_DIGITS)
    return value


def _is_short(value: Decimal) -> bool:
    """Return whether a decimal, written out without an exponent, has few digits before and after its point."""
    _, digits, exponent = value.as_tuple()
    places = -exponent if isinstance(exponent, int) else 0
    return len(digits) <= _MAX_FREE_DIGITS and -_MAX_FREE_DIGITS <= places <= _MAX_FREE_DIGITS


def normalize_value(spec: FieldSpec, value: Any, *, rounding: bool = False) -> Any:
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
    return field_type.from_parts(tuple(normalize_value(column, part, rounding=rounding) for column, part in columns))


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
    return float(value) + 0.0  # SQLite returns -0.0 as 0.0


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise InvalidValueError("wrong_type", type="datetime")
    try:
        return value.astimezone(UTC)
    except OverflowError:  # the time is before the first or after the last of UTC
        raise InvalidValueError("out_of_bounds", min=date.min, max=date.max) from None


def round_decimal(value: Decimal, scale: int) -> Decimal:
    """Return a decimal rounded to a scale as hooks' values are; one that does not fit is returned unchanged."""
    try:
        return _decimal(value, scale, True)
    except InvalidValueError:
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
    if next(parts) > MAX_JSON_VALUES:
        raise InvalidValueError("out_of_bounds", max_values=MAX_JSON_VALUES)
    if depth > MAX_JSON_DEPTH:
        raise InvalidValueError("out_of_bounds", max_depth=MAX_JSON_DEPTH)
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
        text = _expect_text(raw)
        return datetime.fromisoformat(text if _DAY.match(text) else "")
    except ValueError:
        raise InvalidValueError("wrong_type", type="datetime") from None


def _expect_date(raw: Any) -> date:
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw
    try:
        text = _expect_text(raw)
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
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

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
"""A day as RFC 3339 writes it: Python's own parser also accepts weeks, and days without hyphens."""

_BOUNDS: Final[Mapping[FieldKind, Callable[[Any], Any]]] = {
    FieldKind.TEXT: _text,
    FieldKind.INTEGER: _integer,
    FieldKind.FLOAT: _finite,
    FieldKind.DATETIME: _utc,
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
