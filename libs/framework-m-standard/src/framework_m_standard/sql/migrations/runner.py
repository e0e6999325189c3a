"""Execution of revisions, each in one transaction with the record that it was applied, and errors of migrations."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError

from framework_m_core import spi
from framework_m_core.spi import (
    RUN_AGAIN,
    ConfigurationError,
    MigrationGraph,
    RevisionFile,
    format_one_line,
    load_file,
    translate_failures,
)
from framework_m_standard.sql.migrations.recorder import forget_steps, record_revisions
from framework_m_standard.sql.migrations.resuming import resume_changes

__all__ = ["RevisionRunner", "explain_error"]

_UNDO_AGAIN: Final = "It was rolled back, and no earlier revision was undone: fix it and run `m migrate rollback` again"
_STAYS: Final = "MariaDB cannot roll back changes of tables: those that it has finished stay"
_ROLLED_BACK: Final = "It was rolled back"
_TRIED: Final = "It was only tried, and rolled back: fix it before it is run"


class RevisionRunner:
    """Runner of revisions on a connection that is in a transaction."""

    def __init__(self, *, is_transactional: bool = True) -> None:
        self._is_transactional = is_transactional

    def upgrade(self, connection: sa.Connection, graph: MigrationGraph, revision: RevisionFile) -> None:
        """Run a revision and record it with those that it adopts. Raises MigrationError stating where it failed."""
        label, folder = graph.format_step(revision.step), revision.path.parents[1]
        with (
            translate_failures("revision", label, folder, self._advice(RUN_AGAIN), explain_error),
            self._resumed(connection, str(revision.step)),
        ):
            _call(connection, revision, "upgrade")
            adopted = {*graph.list_adopted(revision)}
            revisions = [revision, *(one for one in graph.list_revisions() if one.step in adopted)]
            record_revisions(connection, revisions, datetime.now(UTC).isoformat())

    def execute(self, connection: sa.Connection, graph: MigrationGraph, revision: RevisionFile) -> None:
        """Run a revision in a transaction that is rolled back. Raises MigrationError stating where it failed."""
        label, folder = graph.format_step(revision.step), revision.path.parents[1]
        with translate_failures("revision", label, folder, _TRIED, explain_error):
            _call(connection, revision, "upgrade")

    def downgrade(self, connection: sa.Connection, graph: MigrationGraph, revision: RevisionFile) -> None:
        """Revert a revision that no applied one follows. Raises MigrationError stating where it failed."""
        label, folder = graph.format_step(revision.step), revision.path.parents[1]
        with (
            translate_failures("the downgrade of revision", label, folder, self._advice(_UNDO_AGAIN), explain_error),
            self._resumed(connection, f"downgrade {revision.step}"),
        ):
            _call(connection, revision, "downgrade")
            forget_steps(connection, [revision.step, *graph.list_adopted(revision)])

    def _advice(self, advice: str) -> str:
        return advice if self._is_transactional else advice.replace(_ROLLED_BACK, _STAYS)

    def _resumed(self, connection: sa.Connection, run: str) -> AbstractContextManager[None]:
        """Return a context in which a run goes on after what an earlier try has left."""
        return nullcontext() if self._is_transactional else resume_changes(connection, run)


def _call(connection: sa.Connection, revision: RevisionFile, function: str) -> None:
    with Operations.context(MigrationContext.configure(connection=connection)):
        work = getattr(load_file(revision.path), function, None)
        if work is None:
            raise ConfigurationError(f"expected `def {function}()` in it, got none")
        work()


def explain_error(error: Exception) -> str:
    """Return the reason of a failure in one line, the database's own words where they are."""
    if isinstance(error, SQLAlchemyError):
        return format_one_line(getattr(error, "orig", None) or error)
    return spi.explain_error(error)
