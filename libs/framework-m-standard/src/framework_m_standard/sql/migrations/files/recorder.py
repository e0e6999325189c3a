"""The record of migrations in a database: its revisions, in Alembic's table, and checksums of what was applied."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from framework_m_core.spi import MigrationRecord
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.engine.mariadb.column_types import MARIADB_KEY
from framework_m_standard.sql.engine.row_codec import MARIADB
from framework_m_standard.sql.engine.statement import Statement

__all__ = [
    "OWN_TABLES",
    "build_checksum_table",
    "build_patch_table",
    "lift_timeout",
    "make_change_table",
    "read_record",
]

_REVISION_TABLE: Final = "alembic_version"
_CHECKSUM_TABLE: Final = "m_revision"
_PATCH_TABLE: Final = "m_patch"
_CHANGE_TABLE: Final = "m_revision_change"
OWN_TABLES: Final = frozenset({_REVISION_TABLE, _CHECKSUM_TABLE, _PATCH_TABLE, _CHANGE_TABLE})

_NAMES = ", ".join(f"'{name}'" for name in sorted(OWN_TABLES))
_TABLES = {
    "sqlite": f"SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ({_NAMES})",  # noqa: S608 - our names
    "postgresql": (
        "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = current_schema()::regnamespace "  # noqa: S608
        f"AND relkind = 'r' AND relname IN ({_NAMES})"
    ),
    MARIADB: (
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() "  # noqa: S608 - our names
        f"AND TABLE_NAME IN ({_NAMES})"
    ),
}


def _name_type() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(MARIADB_KEY, MARIADB)


def build_patch_table() -> sa.Table:
    """Return the table of applied patches."""
    return sa.Table(
        _PATCH_TABLE,
        sa.MetaData(),
        sa.Column("name", _name_type(), primary_key=True, nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.Text(), nullable=False),
    )


def build_checksum_table() -> sa.Table:
    """Return the table of the checksums of applied revisions."""
    return sa.Table(
        _CHECKSUM_TABLE,
        sa.MetaData(),
        sa.Column("name", _name_type(), primary_key=True, nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
    )


def make_change_table() -> sa.Table:
    """Return the table of the finished changes of runs that have not ended, where each commits by itself."""
    return sa.Table(
        _CHANGE_TABLE,
        sa.MetaData(),
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=True),
        sa.Column("run", _name_type(), nullable=False),
        sa.Column("statement", sa.Text().with_variant(mysql.LONGTEXT(), MARIADB), nullable=False),
    )


async def read_record(transaction: Transaction, dialect: str) -> MigrationRecord:
    """Read the record of migrations in the database."""
    tables = {row[0] for row in await transaction.fetch(_text(_TABLES[dialect]), ())}
    if _REVISION_TABLE not in tables:
        return MigrationRecord(exists=False)
    rows = await transaction.fetch(_text("SELECT version_num FROM alembic_version ORDER BY 1"), ())
    patches, checksums = [await _checksums(transaction, name, tables) for name in (_PATCH_TABLE, _CHECKSUM_TABLE)]
    return MigrationRecord(True, tuple(row[0] for row in rows), patches, checksums)


async def _checksums(transaction: Transaction, table: str, existing: Collection[str]) -> Mapping[str, str]:
    if table not in existing:
        return {}
    return dict(await transaction.fetch(_text(f"SELECT name, checksum FROM {table}"), ()))  # noqa: S608 - our names


def _text(sql: str) -> Statement:
    return Statement(sql)


async def lift_timeout(transaction: Transaction, dialect: str) -> None:
    """Lift the statement timeout until the end of the transaction; the lock timeout stays."""
    if dialect == "postgresql":
        await transaction.script("SET LOCAL statement_timeout = 0")
    elif dialect == MARIADB:
        await transaction.script("SET SESSION max_statement_time = 0")
