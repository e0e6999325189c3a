"""Revisions on a database whose changes of the schema commit one by one: a second run skips those that are done.

Each finished change is recorded by its SQL until the whole revision is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from framework_m_standard.sql.migrations.recorder import make_change_table

__all__ = ["resume_changes"]

_CHANGE: Final = re.compile(r"\s*(ALTER|CREATE|DROP|RENAME)\b", re.IGNORECASE)
_NOTHING: Final = "DO 0"


@contextmanager
def resume_changes(connection: sa.Connection, run: str) -> Iterator[None]:
    """Skip the changes that an earlier try of a run has finished, and record those that the block finishes."""
    table = make_change_table()
    table.create(connection, checkfirst=True)
    left = list(connection.scalars(sa.select(table.c.statement).where(table.c.run == run).order_by(table.c.id)))
    record = table.insert()

    def skip(_: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> tuple[str, Any]:
        if statement in left and _CHANGE.match(statement):
            left.remove(statement)
            return _NOTHING, ()
        return statement, parameters

    def note(of: sa.Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if _CHANGE.match(statement):
            of.execute(record, {"run": run, "statement": statement})
            of.exec_driver_sql("COMMIT")

    event.listen(connection, "before_cursor_execute", skip, retval=True)
    event.listen(connection, "after_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", skip)
        event.remove(connection, "after_cursor_execute", note)
    connection.execute(table.delete().where(table.c.run == run))
