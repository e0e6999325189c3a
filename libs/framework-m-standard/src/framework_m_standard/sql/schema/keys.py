"""All keys and indexes of the schema, built here only, so that a tenant column can be added in one place."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import sqlalchemy as sa

__all__ = ["INDEX_PREFIXES", "append_only_statements", "foreign_key", "index", "key_name", "live_unique", "short_name"]

INDEX_PREFIXES = ("uq_", "ix_")
"""Prefixes of the names of the framework's indexes, which it creates and drops on its tables."""

_LONGEST = 63
"""The longest identifier of PostgreSQL, in characters."""


def key_name(prefix: str, table: str, columns: Sequence[str]) -> str:
    """Return the name of a key or index."""
    return short_name("_".join((prefix, table, *columns)))


def short_name(name: str) -> str:
    """Return a name; one too long for PostgreSQL ends in a hash of the whole name."""
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: _LONGEST - 13]}_{digest}"


def live_unique(table: sa.Table, columns: Sequence[str]) -> sa.Index:
    """Return a unique index over live rows: soft-deleted ones do not block a value."""
    live = table.c.deleted_at.is_(None)
    return sa.Index(
        key_name("uq", table.name, columns),
        *(table.c[column] for column in columns),
        unique=True,
        postgresql_where=live,
        sqlite_where=live,
    )


def index(table: sa.Table, columns: Sequence[str]) -> sa.Index:
    """Return a plain index."""
    return sa.Index(key_name("ix", table.name, columns), *(table.c[column] for column in columns))


def foreign_key(table: str, column: str, target: str, *, cascade: bool = False) -> sa.ForeignKeyConstraint:
    """Return the foreign key of a column that holds the id of a row of another table."""
    return sa.ForeignKeyConstraint(
        [column],
        [f"{target}.id"],
        name=key_name("fk", table, [column]),
        ondelete="CASCADE" if cascade else None,
    )


def append_only_statements(dialect: str, table: str) -> list[str]:
    """Return the statements that make a table append-only."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("update", "delete")
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
