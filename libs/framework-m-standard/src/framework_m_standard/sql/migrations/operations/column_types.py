"""Column types of revisions: one function per kind of field, stored as each database stores that kind."""

from __future__ import annotations

from framework_m_core.spi import FieldKind
from framework_m_standard.sql.schema.field_registry import KindType

__all__ = [
    "boolean",
    "bytes_",
    "date",
    "datetime",
    "decimal",
    "float_",
    "integer",
    "json",
    "text",
    "uuid",
]


def text() -> KindType:
    """Return the column type of a `str`, a `Literal` or an enum of them."""
    return KindType(FieldKind.TEXT)


def integer() -> KindType:
    """Return the column type of an `int`."""
    return KindType(FieldKind.INTEGER)


def float_() -> KindType:
    """Return the column type of a `float`."""
    return KindType(FieldKind.FLOAT)


def boolean() -> KindType:
    """Return the column type of a `bool`."""
    return KindType(FieldKind.BOOLEAN)


def datetime() -> KindType:
    """Return the column type of a `datetime`."""
    return KindType(FieldKind.DATETIME)


def date() -> KindType:
    """Return the column type of a `date`."""
    return KindType(FieldKind.DATE)


def decimal(scale: int) -> KindType:
    """Return the column type of a `Decimal` with `scale` decimal places."""
    return KindType(FieldKind.DECIMAL, scale)


def uuid() -> KindType:
    """Return the column type of a `UUID`: an id or a link."""
    return KindType(FieldKind.UUID)


def json() -> KindType:
    """Return the column type of a list or dictionary."""
    return KindType(FieldKind.JSON)


def bytes_() -> KindType:
    """Return the column type of `bytes`."""
    return KindType(FieldKind.BYTES)
