"""The existing schema of a database: columns, indexes and links, read by one query each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.engine.row_codec import MARIADB
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.schema.keys import format_key_name

__all__ = ["ExistingColumn", "ExistingIndex", "ExistingLink", "ExistingSchema", "read_existing", "read_with"]


@dataclass(frozen=True, slots=True)
class ExistingColumn:
    """A column's type, as the dialect writes it in lower case, whether it refuses null, and is of the primary key."""

    type: str
    required: bool
    is_key: bool


@dataclass(frozen=True, slots=True)
class ExistingIndex:
    """The table of an index and its columns; an expression has no name."""

    table: str
    columns: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class ExistingLink:
    """A foreign key of one column, and whether it has the name that the framework gives."""

    name: str
    target: str
    cascade: bool
    named: bool


@dataclass(frozen=True, slots=True)
class ExistingSchema:
    """Columns by table and name, indexes by name, and links by table."""

    columns: Mapping[str, Mapping[str, ExistingColumn]]
    indexes: Mapping[str, ExistingIndex]
    links: Mapping[str, tuple[ExistingLink, ...]]

    def without(self, tables: Collection[str]) -> ExistingSchema:
        """Return the schema of the other tables."""
        columns = {name: found for name, found in self.columns.items() if name not in tables}
        return ExistingSchema(columns, self.indexes, self.links)

    def links_of(self, index: str, dropped: Collection[str] = ()) -> Mapping[str, str]:
        """Return the foreign keys, with their columns, for which no index but this one and dropped ones is there."""
        found = self.indexes.get(index)
        if found is None or not found.columns or found.columns[0] is None:
            return {}
        table, column = found.table, found.columns[0]
        others = [one for name, one in self.indexes.items() if name not in (index, *dropped) and one.table == table]
        if any(one.columns[:1] == (column,) for one in others):
            return {}
        return {
            format_key_name("fk", table, [column]): column for link in self.links.get(table, ()) if link.name == column
        }


_READS: Final[Mapping[str, tuple[str, str, str]]] = {
    "sqlite": (
        'SELECT t.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master t JOIN pragma_table_info(t.name) c '
        "WHERE t.type = 'table' AND substr(t.name, 1, 7) <> 'sqlite_'",
        "SELECT m.name, m.tbl_name, i.name FROM sqlite_master m JOIN pragma_index_info(m.name) i "
        "WHERE m.type = 'index' ORDER BY m.name, i.seqno",
        """SELECT t.name, k."from", k."table", k.on_delete = 'CASCADE', t.sql FROM sqlite_master t """
        "JOIN pragma_foreign_key_list(t.name) k WHERE t.type = 'table'",
    ),
    "postgresql": (
        "SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, "
        "a.attnum = ANY (k.indkey) FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
        "LEFT JOIN pg_catalog.pg_index k ON k.indrelid = c.oid AND k.indisprimary "
        "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 "
        "AND NOT a.attisdropped ORDER BY c.relname, a.attnum",
        "SELECT i.relname, t.relname, a.attname FROM pg_catalog.pg_index x "
        "JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid JOIN pg_catalog.pg_class t ON t.oid = x.indrelid "
        "CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, place) "
        "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum "
        "WHERE t.relnamespace = current_schema()::regnamespace ORDER BY i.relname, k.place",
        "SELECT t.relname, a.attname, f.relname, k.confdeltype = 'c', k.conname FROM pg_catalog.pg_constraint k "
        "JOIN pg_catalog.pg_class t ON t.oid = k.conrelid JOIN pg_catalog.pg_class f ON f.oid = k.confrelid "
        "JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] "
        "WHERE t.relnamespace = current_schema()::regnamespace AND k.contype = 'f'",
    ),
    MARIADB: (
        "SELECT c.TABLE_NAME, c.COLUMN_NAME, IF(c.DATA_TYPE = 'longtext' AND c.COLLATION_NAME = 'utf8mb4_bin', 'json', "
        "c.COLUMN_TYPE), c.IS_NULLABLE = 'NO', c.COLUMN_KEY = 'PRI' FROM information_schema.COLUMNS c "
        "JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME "
        "WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' AND c.GENERATION_EXPRESSION IS NULL "
        "ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION",
        "SELECT INDEX_NAME, TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS "
        "WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME <> INDEX_NAME ORDER BY INDEX_NAME, TABLE_NAME, SEQ_IN_INDEX",
        "SELECT k.TABLE_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_NAME, r.DELETE_RULE = 'CASCADE', k.CONSTRAINT_NAME "
        "FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r "
        "ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.TABLE_NAME = k.TABLE_NAME "
        "AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME "
        "WHERE k.TABLE_SCHEMA = DATABASE() AND k.REFERENCED_TABLE_SCHEMA = DATABASE()",
    ),
}
"""Columns, indexes and links; the last column of links is a text that holds their name."""

_NAMES: Final = {
    "timestamp(6) with time zone": "timestamp with time zone",
    "bigint(20)": "bigint",
    "int(11)": "integer",
    "smallint(6)": "smallint",
}
"""What PostgreSQL and MariaDB call types otherwise than their dialects declare them."""


async def read_existing(transaction: Transaction, dialect: str) -> ExistingSchema:
    """Read the schema of the database within a transaction."""
    return _schema(*[await transaction.fetch(Statement(sql), ()) for sql in _READS[dialect]])


def read_with(connection: sa.Connection) -> ExistingSchema:
    """Read the schema of the database on a connection of migrations."""
    return _schema(*[connection.exec_driver_sql(sql).all() for sql in _READS[connection.dialect.name]])


def _schema(columns: Iterable[Any], indexes: Iterable[Any], links: Iterable[Any]) -> ExistingSchema:
    by_table: dict[str, dict[str, ExistingColumn]] = {}
    for table, name, type_, required, key in columns:
        text = str(type_).lower().replace(", ", ",")  # SQLite returns the text as declared, with or without space
        column = ExistingColumn(_NAMES.get(text, text), bool(required), bool(key))
        by_table.setdefault(table, {})[name] = column
    parts: dict[tuple[str, str], tuple[str | None, ...]] = {}
    for name, table, column in indexes:
        parts[name, table] = (*parts.get((name, table), ()), column)
    found: dict[str, tuple[ExistingLink, ...]] = {}
    for table, name, target, cascade, text in links:
        link = ExistingLink(name, target, bool(cascade), format_key_name("fk", table, [name]) in text)
        found[table] = (*found.get(table, ()), link)
    return ExistingSchema(by_table, {name: ExistingIndex(table, parts[name, table]) for name, table in parts}, found)
