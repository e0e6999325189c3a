"""The record of migrations in a database: its revisions, in Alembic's table, and the applied patches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.statements.compiled import Statement

__all__ = ["OWN_TABLES", "PATCH_TABLE", "REVISION_TABLE", "Ledger", "lift_timeout", "patch_table", "read_ledger"]

REVISION_TABLE: Final = "alembic_version"
PATCH_TABLE: Final = "m_patch"
OWN_TABLES: Final = frozenset({REVISION_TABLE, PATCH_TABLE})

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('alembic_version', 'm_patch')",
    "postgresql": (
        "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = current_schema()::regnamespace "
        "AND relkind = 'r' AND relname IN ('alembic_version', 'm_patch')"
    ),
}


@dataclass(frozen=True, slots=True)
class Ledger:
    """Whether migrations have changed the database, its current revisions, and checksums by applied patch."""

    exists: bool
    revisions: tuple[str, ...] = ()
    patches: Mapping[str, str] = field(default_factory=dict)


def patch_table() -> sa.Table:
    """Return the table of applied patches."""
    return sa.Table(
        PATCH_TABLE,
        sa.MetaData(),
        sa.Column("name", sa.Text(), primary_key=True, nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.Text(), nullable=False),
    )


async def read_ledger(transaction: Transaction, dialect: str) -> Ledger:
    """Read the record of migrations in the database."""
    tables = {row[0] for row in await transaction.fetch(_text(_TABLES[dialect]), ())}
    if REVISION_TABLE not in tables:
        return Ledger(exists=False)
    rows = await transaction.fetch(_text("SELECT version_num FROM alembic_version ORDER BY 1"), ())
    done = await transaction.fetch(_text("SELECT name, checksum FROM m_patch"), ()) if PATCH_TABLE in tables else ()
    return Ledger(True, tuple(row[0] for row in rows), dict(done))


def _text(sql: str) -> Statement:
    return Statement(sql)


async def lift_timeout(transaction: Transaction, dialect: str) -> None:
    """Lift the statement timeout until the end of the transaction; the lock timeout stays."""
    if dialect == "postgresql":
        await transaction.script("SET LOCAL statement_timeout = 0")
