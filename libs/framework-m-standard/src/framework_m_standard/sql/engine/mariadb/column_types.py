"""Column types and indexes of MariaDB.

It has no partial indexes and no whole indexes over long text. So a unique index over live rows ends in a generated
column of the index's own name: the digest of the whole values, or NULL in deleted rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn, CreateIndex, DropIndex

from framework_m_core.spi import DECIMAL_DIGITS, FieldKind, FieldSpec
from framework_m_standard.sql.engine.row_codec import MARIADB

__all__ = ["JSON_COLLATION", "MARIADB_KEY", "MARIADB_TYPES", "drop_index"]

_COLLATION: Final = "utf8mb4_nopad_bin"
"""The order of code points, in which trailing blanks count."""

_MAX_KEY_BYTES: Final = 3072 - 100
"""The most bytes of an index entry, less those of a digest, an id and a few numbers."""

_MAX_PREFIX: Final = 255
"""The characters of an indexed text, of which an index has two at most: an entry holds them whole."""

_NO_LINKS: Final[Mapping[str, str]] = MappingProxyType({})
_BYTES_PER_CHARACTER: Final = 4
_LONG: Final = frozenset({FieldKind.TEXT, FieldKind.JSON, FieldKind.BYTES})

JSON_COLLATION: Final = "utf8mb4_bin"
"""The collation of JSON, by which its columns are told from those of text.

They are not declared as JSON, since the check of that type refuses more than 31 levels.
"""


MARIADB_KEY: Final = mysql.VARCHAR(500, charset="utf8mb4", collation=_COLLATION)
"""The type of a text in a primary key, which needs its whole length in the index."""

MARIADB_TYPES: Mapping[FieldKind, Callable[[FieldSpec], sa.types.TypeEngine[Any]]] = {
    FieldKind.TEXT: lambda spec: mysql.LONGTEXT(charset="utf8mb4", collation=_COLLATION),
    FieldKind.INTEGER: lambda spec: sa.BigInteger(),
    FieldKind.FLOAT: lambda spec: mysql.DOUBLE(),
    FieldKind.BOOLEAN: lambda spec: mysql.TINYINT(1),
    FieldKind.DATETIME: lambda spec: mysql.DATETIME(fsp=6),
    FieldKind.DATE: lambda spec: sa.Date(),
    FieldKind.DECIMAL: lambda spec: mysql.DECIMAL(DECIMAL_DIGITS, spec.scale),
    FieldKind.UUID: lambda spec: sa.BINARY(16),
    FieldKind.JSON: lambda spec: mysql.LONGTEXT(charset="utf8mb4", collation=JSON_COLLATION),
    FieldKind.BYTES: lambda spec: mysql.LONGBLOB(),
}


def _live_digest(columns: list[str]) -> str:
    """Return the expression of the digest of quoted columns; NULL in deleted rows, and if a value is NULL."""
    each = ", ".join(f"sha2({column}, 256)" for column in columns)
    whole = each if len(columns) == 1 else f"sha2(concat({each}), 256)"
    return f'if("deleted_at" IS NULL, unhex({whole}), NULL)'


@compiles(CreateColumn, MARIADB)
def _create_column(clause: CreateColumn, compiler: Any, **options: Any) -> Any:
    """Return a column; a text in a primary key has the type that can be one."""
    column: Any = clause.element
    if column.primary_key and _is_long(column):
        clause = CreateColumn(sa.Column(column.name, MARIADB_KEY, nullable=False))
    return compiler.visit_create_column(clause, **options)


@compiles(CreateIndex, MARIADB)
def _create_index(clause: CreateIndex, compiler: Any, **_: Any) -> str:
    index: Any = clause.element
    quote = compiler.preparer.quote
    table, name = compiler.preparer.format_table(index.table), quote(index.name)
    columns = [quote(column.name) for column in index.columns]
    parts = ", ".join(_parts(index, columns))
    if not index.unique:
        return f"ALTER TABLE {table} ADD INDEX {name} ({parts})"
    digest = f"{name} BINARY(32) GENERATED ALWAYS AS ({_live_digest(columns)}) STORED INVISIBLE"
    return f"ALTER TABLE {table} ADD COLUMN {digest}, ADD UNIQUE INDEX {name} ({parts}, {name})"


@compiles(DropIndex, MARIADB)
def _drop_index(clause: DropIndex, compiler: Any, **_: Any) -> str:
    index: Any = clause.element
    return drop_index(compiler.preparer.quote, index.table.name, index.name)


def drop_index(quote: Callable[[str], str], table: str, name: str, links: Mapping[str, str] = _NO_LINKS) -> str:
    """Return the statement that drops an index, with the column of its digest if it is one over live rows.

    `links` are the foreign keys, with their columns, that would lack an index without it: each gets one of its name.
    """
    parts = [f"ADD INDEX {quote(link)} ({quote(column)})" for link, column in links.items()]
    parts.append(f"DROP INDEX {quote(name)}")
    if name.startswith("uq_"):
        parts.append(f"DROP COLUMN IF EXISTS {quote(name)}")
    return f"ALTER TABLE {quote(table)} {', '.join(parts)}"


def _parts(index: Any, columns: list[str]) -> list[str]:
    """Return the columns of an index, long ones by as much of their beginning as an entry holds."""
    long = [_is_long(column) for column in index.columns]
    room = _MAX_KEY_BYTES // (_BYTES_PER_CHARACTER * max(1, sum(long)))
    prefix = min(_MAX_PREFIX, room)
    return [f"{column}({prefix})" if is_long else column for column, is_long in zip(columns, long, strict=True)]


def _is_long(column: sa.Column[Any]) -> bool:
    """Return whether an index needs a prefix of a column, whose type is a field's or the database's."""
    kind = getattr(column.type, "kind", None)
    return kind in _LONG if kind is not None else isinstance(column.type, (mysql.LONGTEXT, mysql.LONGBLOB))
