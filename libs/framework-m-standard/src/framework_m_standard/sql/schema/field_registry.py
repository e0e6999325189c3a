"""`FieldRegistry`: the column type of each kind of field by dialect, its SQL text, and the kind of such a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles

from framework_m_core.spi import DECIMAL_DIGITS, FieldKind, FieldSpec
from framework_m_standard.sql.engine.mariadb.column_types import JSON_COLLATION, MARIADB_TYPES
from framework_m_standard.sql.engine.row_codec import MARIADB, SQLITE, make_decoder, make_encoder

__all__ = [
    "FieldRegistry",
    "KindText",
    "KindType",
    "KindTypes",
    "TypeFactory",
    "format_type",
    "is_type_of",
    "kind_of",
    "list_kind_types",
    "text_of_type",
]


class _ScaledInteger(sa.BigInteger):
    """SQLite's column type of exact decimals: integers in units of the last decimal place. The declared type states
    the scale, so that a change of it is noticed before it changes stored amounts."""

    def __init__(self, scale: int) -> None:
        self.scale = scale


@compiles(_ScaledInteger)
def _declared_type(type_: _ScaledInteger, *_: Any, **__: Any) -> str:
    return f"DECIMAL({DECIMAL_DIGITS},{type_.scale})"


class KindText(sa.Text):
    """SQLite's column type of kinds other than text that are stored as text. The declared type states the kind, so
    that a change of it is noticed; the word `text` in it gives the column SQLite's text affinity."""

    def __init__(self, kind: FieldKind) -> None:
        super().__init__()
        self.kind = kind


@compiles(KindText)
def _declared_kind(type_: KindText, *_: Any, **__: Any) -> str:
    return f"TEXT_{type_.kind.upper()}"


type TypeFactory = Callable[[FieldSpec], sa.types.TypeEngine[Any]]

_POSTGRES: Mapping[FieldKind, TypeFactory] = {
    FieldKind.TEXT: lambda spec: sa.Text(collation="C"),
    FieldKind.INTEGER: lambda spec: sa.BigInteger(),
    FieldKind.FLOAT: lambda spec: sa.Double(),
    FieldKind.BOOLEAN: lambda spec: sa.Boolean(),
    FieldKind.DATETIME: lambda spec: sa.DateTime(timezone=True),
    FieldKind.DATE: lambda spec: sa.Date(),
    FieldKind.DECIMAL: lambda spec: sa.Numeric(DECIMAL_DIGITS, spec.scale),
    FieldKind.UUID: lambda spec: sa.Uuid(),
    FieldKind.JSON: lambda spec: postgresql.JSONB(),
    FieldKind.BYTES: lambda spec: postgresql.BYTEA(),
}
_SQLITE: Mapping[FieldKind, TypeFactory] = {
    FieldKind.TEXT: lambda spec: sa.Text(),
    FieldKind.INTEGER: lambda spec: sa.BigInteger(),
    FieldKind.FLOAT: lambda spec: sa.REAL(),
    FieldKind.BOOLEAN: lambda spec: sa.SmallInteger(),
    FieldKind.DATETIME: lambda spec: KindText(spec.kind),
    FieldKind.DATE: lambda spec: KindText(spec.kind),
    FieldKind.DECIMAL: lambda spec: _ScaledInteger(spec.scale or 0),
    FieldKind.UUID: lambda spec: KindText(spec.kind),
    FieldKind.JSON: lambda spec: KindText(spec.kind),
    FieldKind.BYTES: lambda spec: sa.LargeBinary(),
}

_TYPES: Final[Mapping[str, Mapping[FieldKind, TypeFactory]]] = {
    "sqlite": _SQLITE,
    "postgresql": _POSTGRES,
    MARIADB: MARIADB_TYPES,
}


class FieldRegistry:
    """Column types for one dialect."""

    def __init__(self, dialect: str) -> None:
        self._types = _TYPES[dialect]

    def column_type_of(self, spec: FieldSpec) -> sa.types.TypeEngine[Any]:
        """Return the column type of a scalar field."""
        return self._types[spec.kind](spec)


_CONVERTED: Final = frozenset({SQLITE, MARIADB})
"""The dialects whose drivers do not take all values as they are."""


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
        return FieldRegistry(dialect.name).column_type_of(self.spec)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Convert a value for the database; PostgreSQL's driver takes all values unchanged."""
        convert = make_encoder(dialect.name, self.spec) if dialect.name in _CONVERTED else None
        return convert(value) if convert and value is not None else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Convert a value from the database."""
        convert = make_decoder(dialect.name, self.spec) if dialect.name in _CONVERTED else None
        return convert(value) if convert and value is not None else value


class KindTypes:
    """Column types of the tables from which revisions are written; replaces a `FieldRegistry`."""

    def column_type_of(self, spec: FieldSpec) -> sa.types.TypeEngine[Any]:
        """Return the column type of a scalar field."""
        return KindType(spec.kind, spec.scale)


def list_kind_types() -> Mapping[str, Callable[[], KindText]]:
    """Return the type names by which a SQLite dialect recognizes the kinds of existing columns."""
    kinds = (FieldKind.DATETIME, FieldKind.DATE, FieldKind.UUID, FieldKind.JSON)
    return {f"TEXT_{kind.upper()}": partial(KindText, kind) for kind in kinds}


def is_type_of(found: str, wanted: str, *, id: str | None) -> bool:
    """Return whether an existing column has the wanted type, given the type of its table's id.

    If the id's type states no kind, SQLite created the table before types stated kinds, so text may be any of them.
    """
    return found == wanted or (found == "text" and wanted.startswith("text_") and id in (None, "text"))


def format_type(dialect: Dialect, column: sa.Column[Any]) -> str:
    """Return a column's type as the database reports it for an existing column."""
    return text_of_type(dialect, column.type)


def text_of_type(dialect: Dialect, type_: sa.types.TypeEngine[Any]) -> str:
    """Return a type as the dialect writes it, in lower case."""
    text = type_.compile(dialect=dialect).lower()
    if text.endswith(f" collate {JSON_COLLATION}"):
        return "json"
    return text.partition(" collate")[0].partition(" character set")[0].replace(", ", ",")


_DECIMAL: Final = re.compile(r"(?:decimal|numeric)\(\d+,(\d+)\)")
_KINDS: Final[Mapping[str, FieldKind]] = {
    **{f"text_{kind}": kind for kind in (FieldKind.DATETIME, FieldKind.DATE, FieldKind.UUID, FieldKind.JSON)},
    "boolean": FieldKind.BOOLEAN,
    "smallint": FieldKind.BOOLEAN,  # SQLite's
    "tinyint(1)": FieldKind.BOOLEAN,
    "integer": FieldKind.INTEGER,
    "bigint": FieldKind.INTEGER,
    "real": FieldKind.FLOAT,
    "float": FieldKind.FLOAT,
    "double": FieldKind.FLOAT,
    "double precision": FieldKind.FLOAT,
    "timestamp with time zone": FieldKind.DATETIME,
    "timestamp without time zone": FieldKind.DATETIME,
    "datetime": FieldKind.DATETIME,
    "datetime(6)": FieldKind.DATETIME,
    "date": FieldKind.DATE,
    "uuid": FieldKind.UUID,
    "binary(16)": FieldKind.UUID,
    "json": FieldKind.JSON,
    "jsonb": FieldKind.JSON,
    "bytea": FieldKind.BYTES,
    "blob": FieldKind.BYTES,
    "longblob": FieldKind.BYTES,
}


def kind_of(text: str) -> KindType:
    """Return the kind of field for which a column of a type was created; text if nothing else fits."""
    if found := _DECIMAL.fullmatch(text):
        return KindType(FieldKind.DECIMAL, int(found[1]))
    return KindType(_KINDS.get(text, FieldKind.TEXT))
