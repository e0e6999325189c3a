"""The statements that a run would send, found by running it in a transaction that is rolled back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from framework_m_core.spi import MigrationError, MigrationFile, MigrationGraph, PatchFile
from framework_m_standard.sql.migrations.database import MigrationDatabase
from framework_m_standard.sql.migrations.runner import RevisionRunner

__all__ = ["statements_of"]

_READING: Final = re.compile(r"\s*(SELECT|PRAGMA|BEGIN|SHOW|WITH)\b", re.IGNORECASE)


async def statements_of(
    database: MigrationDatabase,
    revisions: RevisionRunner,
    graph: MigrationGraph,
    first: Sequence[str],
    files: Sequence[MigrationFile],
) -> Sequence[str]:
    """Return the statements, with a comment before those of each step.

    Patches are not run. If a revision fails without them, the statements end there with a comment.
    """
    lines: list[str] = []

    def work(connection: sa.Connection) -> None:
        for statement in first:
            connection.exec_driver_sql(statement)
        waiting: list[str] = []
        for file in files:
            step = graph.describe(file, applied=False)
            lines.append(f"-- {step.kind} {step.name}")
            if isinstance(file, PatchFile):
                waiting.append(step.name)
                continue
            shown = len(lines)
            try:
                revisions.execute(connection, graph, file)
            except MigrationError as error:
                if not waiting:
                    raise
                lines[shown:] = [_end_line(waiting, error)]
                return

    with _record_statements(database.engine, lines):
        await database.work(work, keep=False)
    return lines


def _end_line(waiting: Sequence[str], error: MigrationError) -> str:
    return f"-- it fails until patch {', '.join(waiting)} is run, so the preview ends here: {error.message}"


@contextmanager
def _record_statements(engine: sa.Engine, lines: list[str]) -> Iterator[None]:
    def listen(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if not _READING.match(statement):
            values = f"  -- with {parameters!r}" if parameters and not many else ""
            lines.append(f"{statement.strip()};{values}")

    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", listen)
