"""Values of columns in BSON: exact, and ordered as the filter tree orders them.

Datetimes are 64-bit integers of microseconds, since BSON's have milliseconds. JSON is text, so that no key of it can
be taken for an operator or a reference; lists of texts or integers are arrays, so that they can be searched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bson import Decimal128
from pydantic_core import from_json, to_json

from framework_m_core.spi import FieldKind, FieldSpec, IntegrityError, normalize_value

__all__ = [
    "BSON_TYPES",
    "Convert",
    "encode_value",
    "from_microseconds",
    "make_decoder",
    "make_encoder",
    "to_microseconds",
]

type Convert = Callable[[Any], Any]

BSON_TYPES: Final[Mapping[FieldKind, tuple[str, ...]]] = {
    FieldKind.TEXT: ("string",),
    FieldKind.INTEGER: ("int", "long"),
    FieldKind.FLOAT: ("double",),
    FieldKind.BOOLEAN: ("bool",),
    FieldKind.DATETIME: ("int", "long"),
    FieldKind.DATE: ("date",),
    FieldKind.DECIMAL: ("decimal",),
    FieldKind.UUID: ("binData",),
    FieldKind.BYTES: ("binData",),
    FieldKind.JSON: ("string", "array"),
}
"""The BSON types of each kind of column, as `$jsonSchema` and `$type` name them."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_microseconds(value: datetime) -> int:
    """Return the microseconds since 1970 of an aware datetime."""
    return (value - _EPOCH) // _MICROSECOND


def from_microseconds(number: int) -> datetime:
    """Return the datetime in UTC of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=number)


def encode_value(spec: FieldSpec, value: Any) -> Any:
    """Return a field's value within the bounds of its kind. Raises IntegrityError for one that it cannot hold."""
    if value is None:
        if spec.nullable:
            return None
        raise IntegrityError(f"the store refuses these values: expected one for {spec.name}, got none")
    try:
        return normalize_value(spec, value, rounding=True)
    except (ValueError, OverflowError) as error:
        raise IntegrityError(f"the store refuses these values: {spec.name}: {error}") from error


def make_encoder(column: FieldSpec) -> Convert | None:
    """Return the conversion of a column's value to BSON; None if there is nothing to convert."""
    if column.kind is FieldKind.JSON:
        return None if column.items else _json_text
    return _ENCODERS.get(column.kind)


def make_decoder(column: FieldSpec) -> Convert | None:
    """Return the conversion of BSON to a column's value; None if there is nothing to convert."""
    if column.kind is FieldKind.JSON:
        return _DECODERS_OF_ITEMS[column.items] if column.items else from_json
    return _DECODERS.get(column.kind)


def _json_text(value: Any) -> str:
    return to_json(value).decode()


def _day(value: date) -> datetime:
    return datetime(value.year, value.month, value.day)


def _decimal(value: Decimal128) -> Decimal:
    return value.to_decimal()


def _integers(values: list[int]) -> list[int]:
    return [int(value) for value in values]


_ENCODERS: Final[Mapping[FieldKind, Convert]] = {
    FieldKind.DATETIME: to_microseconds,
    FieldKind.DATE: _day,
    FieldKind.DECIMAL: Decimal128,
    FieldKind.FLOAT: float,
}
_DECODERS: Final[Mapping[FieldKind, Convert]] = {
    FieldKind.INTEGER: int,
    FieldKind.DATETIME: from_microseconds,
    FieldKind.DATE: datetime.date,
    FieldKind.DECIMAL: _decimal,
    FieldKind.BYTES: bytes,
}
_DECODERS_OF_ITEMS: Final[Mapping[FieldKind, Convert | None]] = {FieldKind.TEXT: None, FieldKind.INTEGER: _integers}
