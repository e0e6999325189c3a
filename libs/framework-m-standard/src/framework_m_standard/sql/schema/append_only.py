"""Triggers by which the database itself refuses to change or remove rows of a table."""

from __future__ import annotations

__all__ = ["append_only_statements"]


def append_only_statements(dialect: str, table: str) -> list[str]:
    """The statements that make a table append-only."""
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
