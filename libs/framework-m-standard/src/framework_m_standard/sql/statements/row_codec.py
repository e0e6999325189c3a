"""Conversion of values between their stored form and the driver's, by field kind and dialect.

PostgreSQL takes all kinds except JSON unchanged. SQLite stores ids, dates and datetimes as sortable text, booleans as
0 and 1, decimals as integers scaled by their places, and JSON as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from framework_m_core.domain.fields.field_type import FieldType
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec

__all__ = ["SQLITE", "Convert", "decoder", "encoder", "encoders", "json_text"]

type Convert = Callable[[Any], Any]

SQLITE = "sqlite"
_INT64 = 1 << 63


def encoder(dialect: str, spec: FieldSpec) -> Convert | None:
    """Return the conversion of a column's stored value to the driver's form; None if there is nothing to convert."""
    if spec.kind is FieldKind.JSON:
        return json_text
    if dialect != SQLITE:
        return None
    if spec.kind is FieldKind.DECIMAL:
        return _scaler(spec.scale or 0)
    return _SQLITE_ENCODERS.get(spec.kind)


def encoders(dialect: str, spec: FieldSpec) -> tuple[Convert | None, ...]:
    """Return the conversion of a stored value to the driver's form of each column that holds the field."""
    field_type = spec.field_type
    if field_type is None:
        return (encoder(dialect, spec),)
    return tuple(_part_encoder(field_type, place, encoder(dialect, column)) for place, column in enumerate(spec.parts))


def _part_encoder(field_type: FieldType[Any], place: int, encode: Convert | None) -> Convert:
    to_parts = field_type.to_parts
    if encode is None:
        return lambda value: to_parts(value)[place]
    return lambda value: encode(to_parts(value)[place])


def decoder(dialect: str, spec: FieldSpec) -> Convert | None:
    """Return the conversion of a driver's value to the stored form; None if there is nothing to convert."""
    if spec.kind is FieldKind.JSON:
        return _JSON.decode
    if dialect != SQLITE:
        return None
    if spec.kind is FieldKind.DECIMAL:
        return _unscaler(spec.scale or 0)
    return _SQLITE_DECODERS.get(spec.kind)


def json_text(value: Any) -> str:
    """Return a value as JSON text, for both dialects; ids, datetimes and decimals within it become text too."""
    return to_json(value).decode()


def _whole(digits: str) -> int | float:
    """Return the number of the digits; PostgreSQL writes large floats without an exponent, like integers."""
    number = int(digits)
    return number if -_INT64 <= number < _INT64 else float(number)


_JSON = json.JSONDecoder(parse_int=_whole)


def _scaler(scale: int) -> Convert:
    return lambda value: int(value.scaleb(scale))


def _unscaler(scale: int) -> Convert:
    return lambda value: Decimal(value).scaleb(-scale)


_SQLITE_ENCODERS: dict[FieldKind, Convert] = {
    FieldKind.UUID: str,
    FieldKind.DATETIME: lambda value: value.isoformat(timespec="microseconds")[:26] + "Z",
    FieldKind.DATE: date.isoformat,
    FieldKind.BOOLEAN: int,
}
_SQLITE_DECODERS: dict[FieldKind, Convert] = {
    FieldKind.UUID: UUID,
    FieldKind.DATETIME: datetime.fromisoformat,
    FieldKind.DATE: date.fromisoformat,
    FieldKind.BOOLEAN: bool,
}
