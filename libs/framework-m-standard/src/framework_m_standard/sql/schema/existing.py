"""The existing schema of a database: columns, indexes and the fingerprint of the last sync, read by one query each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.statements.compiled import Statement

__all__ = ["ExistingColumn", "ExistingSchema", "read_existing"]


@dataclass(frozen=True, slots=True)
class ExistingColumn:
    """A column's type, as the dialect writes it in lower case, and whether it refuses null."""

    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class ExistingSchema:
    """Columns by table and name, the table of each index, and the fingerprint stored by the last sync."""

    columns: Mapping[str, Mapping[str, ExistingColumn]]
    indexes: Mapping[str, str]
    fingerprint: str | None


def _text(sql: str) -> Statement:
    return Statement(sql)


_COLUMNS = {
    "sqlite": _text(
        'SELECT t.name, c.name, c.type, c."notnull" FROM sqlite_master t JOIN pragma_table_info(t.name) c '
        "WHERE t.type = 'table'"
    ),
    "postgresql": _text(
        "SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull "
        "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
        "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 "
        "AND NOT a.attisdropped"
    ),
}
_INDEXES = {
    "sqlite": _text("SELECT name, tbl_name FROM sqlite_master WHERE type = 'index'"),
    "postgresql": _text("SELECT indexname, tablename FROM pg_catalog.pg_indexes WHERE schemaname = current_schema()"),
}
_FINGERPRINT = _text("SELECT fingerprint FROM m_schema WHERE name = 'doctypes'")
_POSTGRES_NAMES = {"timestamp(6) with time zone": "timestamp with time zone"}


async def read_existing(transaction: Transaction, dialect: str) -> ExistingSchema:
    """Read the schema of the database."""
    columns: dict[str, dict[str, ExistingColumn]] = {}
    for table, name, type_, required in await transaction.fetch(_COLUMNS[dialect], ()):
        text = str(type_).lower().replace(", ", ",")  # SQLite returns the text as declared, with or without space
        columns.setdefault(table, {})[name] = ExistingColumn(_POSTGRES_NAMES.get(text, text), bool(required))
    indexes = dict(await transaction.fetch(_INDEXES[dialect], ()))
    fingerprint = None
    if "m_schema" in columns:
        rows = await transaction.fetch(_FINGERPRINT, ())
        fingerprint = rows[0][0] if rows else None
    return ExistingSchema(columns, indexes, fingerprint)
