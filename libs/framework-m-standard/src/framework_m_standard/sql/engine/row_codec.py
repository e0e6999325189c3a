"""Conversion of values between their stored form and the driver's, by field kind and dialect.

PostgreSQL takes all kinds except JSON unchanged. SQLite stores ids, dates and datetimes as sortable text, booleans as
0 and 1, decimals as integers scaled by their places, and JSON as text. MariaDB stores ids as their bytes, datetimes in
UTC without saying so, booleans as 0 and 1, and JSON as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from framework_m_core.spi import FieldKind, FieldSpec, FieldType

__all__ = ["MARIADB", "SQLITE", "Convert", "format_json", "make_decoder", "make_encoder", "make_encoders"]

type Convert = Callable[[Any], Any]

SQLITE = "sqlite"
MARIADB = "mariadb"
_INT64 = 1 << 63


def make_encoder(dialect: str, spec: FieldSpec) -> Convert | None:
    """Return the conversion of a column's stored value to the driver's form; None if there is nothing to convert."""
    if spec.kind is FieldKind.JSON:
        return format_json
    if dialect == MARIADB:
        return _MARIADB_ENCODERS.get(spec.kind)
    if dialect != SQLITE:
        return None
    if spec.kind is FieldKind.DECIMAL:
        return _scaler(spec.scale or 0)
    return _SQLITE_ENCODERS.get(spec.kind)


def make_encoders(dialect: str, spec: FieldSpec) -> tuple[Convert | None, ...]:
    """Return the conversion of a stored value to the driver's form of each column that holds the field."""
    field_type = spec.field_type
    if field_type is None:
        return (make_encoder(dialect, spec),)
    return tuple(
        _part_encoder(field_type, place, make_encoder(dialect, column)) for place, column in enumerate(spec.parts)
    )


def _part_encoder(field_type: FieldType[Any], place: int, encode: Convert | None) -> Convert:
    to_parts = field_type.to_parts
    if encode is None:
        return lambda value: to_parts(value)[place]
    return lambda value: encode(to_parts(value)[place])


def make_decoder(dialect: str, spec: FieldSpec) -> Convert | None:
    """Return the conversion of a driver's value to the stored form; None if there is nothing to convert."""
    if spec.kind is FieldKind.JSON:
        return _JSON.decode
    if dialect == MARIADB:
        return _MARIADB_DECODERS.get(spec.kind)
    if dialect != SQLITE:
        return None
    if spec.kind is FieldKind.DECIMAL:
        return _unscaler(spec.scale or 0)
    return _SQLITE_DECODERS.get(spec.kind)


def format_json(value: Any) -> str:
    """Return a value as JSON text, for all dialects; ids, datetimes and decimals within it become text too."""
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


_MARIADB_ENCODERS: dict[FieldKind, Convert] = {
    FieldKind.UUID: lambda value: value.bytes,
    FieldKind.DATETIME: lambda value: value.replace(tzinfo=None),
    FieldKind.BOOLEAN: int,
}
_MARIADB_DECODERS: dict[FieldKind, Convert] = {
    FieldKind.UUID: lambda value: UUID(bytes=value),
    FieldKind.DATETIME: lambda value: value.replace(tzinfo=UTC),
    FieldKind.BOOLEAN: bool,
}
