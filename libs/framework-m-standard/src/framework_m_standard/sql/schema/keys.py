"""All keys and indexes of the schema, built here only, so that a tenant column can be added in one place."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from framework_m_standard.sql.engine.row_codec import MARIADB

__all__ = [
    "INDEX_PREFIXES",
    "MAX_IDENTIFIER",
    "append_only_statements",
    "build_foreign_key",
    "create_live_index",
    "format_key_name",
    "make_index",
    "shorten_name",
]

_FORBIDDEN: Final = ("update", "delete")
"""What triggers on each row refuse in an append-only table."""

INDEX_PREFIXES = ("uq_", "ix_")
"""Prefixes of the names of the framework's indexes, which it creates and drops on its tables."""

MAX_IDENTIFIER = 63
"""The longest identifier of PostgreSQL, in characters."""


def format_key_name(prefix: str, table: str, columns: Sequence[str]) -> str:
    """Return the name of a key or index."""
    return shorten_name("_".join((prefix, table, *columns)))


def shorten_name(name: str) -> str:
    """Return a name; one too long for PostgreSQL ends in a hash of the whole name."""
    if len(name) <= MAX_IDENTIFIER:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: MAX_IDENTIFIER - 13]}_{digest}"


def create_live_index(table: sa.Table, columns: Sequence[str]) -> sa.Index:
    """Return a unique index over live rows: soft-deleted ones do not block a value."""
    live = table.c.deleted_at.is_(None)
    return sa.Index(
        format_key_name("uq", table.name, columns),
        *(table.c[column] for column in columns),
        unique=True,
        postgresql_where=live,
        sqlite_where=live,
    )


def make_index(table: sa.Table, columns: Sequence[str]) -> sa.Index:
    """Return a plain index."""
    return sa.Index(format_key_name("ix", table.name, columns), *(table.c[column] for column in columns))


def build_foreign_key(table: str, column: str, target: str, *, cascade: bool = False) -> sa.ForeignKeyConstraint:
    """Return the foreign key of a column that holds the id of a row of another table."""
    return sa.ForeignKeyConstraint(
        [column],
        [f"{target}.id"],
        name=format_key_name("fk", table, [column]),
        ondelete="CASCADE" if cascade else None,
    )


def append_only_statements(dialect: str, table: str) -> list[str]:
    """Return the statements that make a table append-only."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in _FORBIDDEN
        ]
    if dialect == MARIADB:
        return [
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb.upper()} ON {table} FOR EACH ROW "
            f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{table} is append-only'"
            for verb in _FORBIDDEN
        ]
    function = (
        "CREATE OR REPLACE FUNCTION m_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    trigger = (
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION m_append_only()"
    )
    return [function, trigger]
