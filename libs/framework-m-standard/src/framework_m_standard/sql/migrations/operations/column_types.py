"""Column types of revisions: one function per kind of field, stored as each database stores that kind."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_standard.sql.schema.field_registry import FieldRegistry
from framework_m_standard.sql.statements.row_codec import SQLITE, decoder, encoder

__all__ = [
    "KindType",
    "KindTypes",
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


class KindType(sa.types.TypeDecorator[Any]):
    """The type of a field's column; it also converts values, so that a revision can read and write rows."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, kind: FieldKind, scale: int | None = None) -> None:
        super().__init__()
        self.kind = kind
        self.scale = scale

    @property
    def spec(self) -> FieldSpec:
        """A field of this type."""
        return FieldSpec("", self.kind, scale=self.scale)

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        """Return the database's own type; a driver's variant of it would lose parts of the declaration."""
        return FieldRegistry(dialect.name).column_type(self.spec)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Convert a value for the database; PostgreSQL's driver takes all values unchanged."""
        convert = encoder(dialect.name, self.spec) if dialect.name == SQLITE else None
        return convert(value) if convert and value is not None else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Convert a value from the database."""
        convert = decoder(dialect.name, self.spec) if dialect.name == SQLITE else None
        return convert(value) if convert and value is not None else value


class KindTypes:
    """Column types of the tables from which revisions are written; replaces a `FieldRegistry`."""

    def column_type(self, spec: FieldSpec) -> sa.types.TypeEngine[Any]:
        """Return the column type of a scalar field."""
        return KindType(spec.kind, spec.scale)


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
