"""Column types of revisions: one word a kind of field, stored as the database at hand stores that kind."""

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
    """The type of a field's column; it also converts values, so that a revision may work with rows."""

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
        """The type in the database's own words; a driver's variant of it would lose some of them."""
        return FieldRegistry(dialect.name).column_type(self.spec)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """A value on its way to the database; PostgreSQL's driver takes all as they are."""
        convert = encoder(dialect.name, self.spec) if dialect.name == SQLITE else None
        return convert(value) if convert and value is not None else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """A value that comes from the database."""
        convert = decoder(dialect.name, self.spec) if dialect.name == SQLITE else None
        return convert(value) if convert and value is not None else value


class FieldTypes:
    """Column types for tables that revisions are written from; in the place of a `FieldRegistry`."""

    def column_type(self, spec: FieldSpec) -> sa.types.TypeEngine[Any]:
        """The column type of a scalar field."""
        return FieldType(spec.kind, spec.scale)


def text() -> FieldType:
    """A `str`, a `Literal` or an enum of them."""
    return FieldType(FieldKind.TEXT)


def integer() -> FieldType:
    """An `int`."""
    return FieldType(FieldKind.INTEGER)


def float_() -> FieldType:
    """A `float`."""
    return FieldType(FieldKind.FLOAT)


def boolean() -> FieldType:
    """A `bool`."""
    return FieldType(FieldKind.BOOLEAN)


def datetime() -> FieldType:
    """A `datetime`."""
    return FieldType(FieldKind.DATETIME)


def date() -> FieldType:
    """A `date`."""
    return FieldType(FieldKind.DATE)


def decimal(scale: int) -> FieldType:
    """A `Decimal` of so many places."""
    return FieldType(FieldKind.DECIMAL, scale)


def uuid() -> FieldType:
    """A `UUID`: an id, or a link."""
    return FieldType(FieldKind.UUID)


def json() -> FieldType:
    """A list or dictionary."""
    return FieldType(FieldKind.JSON)
