"""Column types of revisions: one function per kind of field, stored as each database stores that kind."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_standard.sql.schema.field_registry import FieldRegistry
from framework_m_standard.sql.statements.row_codec import SQLITE, decoder, encoder

__all__ = [
    "FieldType",
    "FieldTypes",
    "boolean",
    "date",
    "datetime",
    "decimal",
    "float_",
    "integer",
    "json",
    "text",
    "uuid",
]


class FieldType(sa.types.TypeDecorator[Any]):
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


class FieldTypes:
    """Column types of the tables from which revisions are written; replaces a `FieldRegistry`."""

    def column_type(self, spec: FieldSpec) -> sa.types.TypeEngine[Any]:
        """Return the column type of a scalar field."""
        return FieldType(spec.kind, spec.scale)


def text() -> FieldType:
    """Return the column type of a `str`, a `Literal` or an enum of them."""
    return FieldType(FieldKind.TEXT)


def integer() -> FieldType:
    """Return the column type of an `int`."""
    return FieldType(FieldKind.INTEGER)


def float_() -> FieldType:
    """Return the column type of a `float`."""
    return FieldType(FieldKind.FLOAT)


def boolean() -> FieldType:
    """Return the column type of a `bool`."""
    return FieldType(FieldKind.BOOLEAN)


def datetime() -> FieldType:
    """Return the column type of a `datetime`."""
    return FieldType(FieldKind.DATETIME)


def date() -> FieldType:
    """Return the column type of a `date`."""
    return FieldType(FieldKind.DATE)


def decimal(scale: int) -> FieldType:
    """Return the column type of a `Decimal` with `scale` decimal places."""
    return FieldType(FieldKind.DECIMAL, scale)


def uuid() -> FieldType:
    """Return the column type of a `UUID`: an id or a link."""
    return FieldType(FieldKind.UUID)


def json() -> FieldType:
    """Return the column type of a list or dictionary."""
    return FieldType(FieldKind.JSON)
