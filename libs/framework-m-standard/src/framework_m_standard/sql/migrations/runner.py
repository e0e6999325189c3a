"""Execution of revisions, each in one transaction with the record that it was applied, and errors of migrations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from framework_m_core import spi
from framework_m_core.spi import RUN_AGAIN, add_ancestors, format_one_line, read_revisions, translate_failures
from framework_m_standard.sql.migrations.autogenerate.scripts import open_scripts
from framework_m_standard.sql.migrations.files.recorder import build_checksum_table
from framework_m_standard.sql.migrations.resuming import resume_changes

__all__ = ["RevisionRunner", "explain_error"]

_UNDO_AGAIN: Final = "It was rolled back, and no earlier revision was undone: fix it and run `m migrate rollback` again"
_STAYS: Final = "MariaDB cannot roll back changes of tables: those that it has finished stay"
_ROLLED_BACK: Final = "It was rolled back"
_TRIED: Final = "It was only tried, and rolled back: fix it before it is run"

type _Steps = Callable[[ScriptDirectory, Any], Iterable[Any]]


class RevisionRunner:
    """Runner of the revisions of a folder, on a connection that is in a transaction."""

    def __init__(self, folder: Path, *, is_transactional: bool = True) -> None:
        self._folder = folder
        self._is_transactional = is_transactional

    def upgrade(self, connection: sa.Connection, revision: str, *, trying: bool = False) -> None:
        """Run one revision; `trying` only changes the error's advice. Raises MigrationError stating where it failed."""
        then = _TRIED if trying else self._advice(RUN_AGAIN)
        with (
            translate_failures("revision", revision, self._folder, then, explain_error),
            self._resumed(connection, revision, trying=trying),
        ):
            self._run(connection, lambda scripts, heads: scripts._upgrade_revs(revision, heads))
            if not trying:
                self._record(connection, [revision])

    def downgrade(self, connection: sa.Connection, revision: str) -> None:
        """Revert one revision that no applied one follows. Raises MigrationError stating where it failed."""
        then = self._advice(_UNDO_AGAIN)
        with (
            translate_failures("the downgrade of revision", revision, self._folder, then, explain_error),
            self._resumed(connection, f"downgrade {revision}"),
        ):
            self._run(connection, lambda scripts, _: [_way_back(scripts, revision)])
            self._forget(connection, [revision])

    def stamp(self, connection: sa.Connection, revision: str) -> None:
        """Record that the database is at a revision, without running anything."""
        self.ensure_tables(connection)
        MigrationContext.configure(connection=connection).stamp(open_scripts(self._folder), revision)
        self._record(connection, add_ancestors(read_revisions(self._folder), [revision]))

    def ensure_tables(self, connection: sa.Connection) -> None:
        """Create the tables that record revisions, unless they exist: from then on migrations own the database."""
        MigrationContext.configure(connection=connection)._ensure_version_table()
        build_checksum_table().create(connection, checkfirst=True)

    def _advice(self, advice: str) -> str:
        return advice if self._is_transactional else advice.replace(_ROLLED_BACK, _STAYS)

    def _resumed(self, connection: sa.Connection, run: str, *, trying: bool = False) -> AbstractContextManager[None]:
        """Return a context in which a run goes on after what an earlier try has left."""
        if self._is_transactional or trying:
            return nullcontext()
        return resume_changes(connection, run)

    def _record(self, connection: sa.Connection, revisions: Collection[str]) -> None:
        """Record the checksums of revisions, by which `m migrate verify` finds a later change of their files."""
        self._forget(connection, revisions)
        files = [revision for revision in read_revisions(self._folder) if revision.id in revisions]
        rows = [{"name": file.id, "checksum": file.checksum} for file in files]
        connection.execute(build_checksum_table().insert(), rows)

    def _forget(self, connection: sa.Connection, revisions: Collection[str]) -> None:
        table = build_checksum_table()
        connection.execute(table.delete().where(table.c.name.in_(revisions)))

    def _run(self, connection: sa.Connection, steps: _Steps) -> None:
        scripts = open_scripts(self._folder)
        context = MigrationContext.configure(
            connection=connection, opts={"fn": lambda heads, _: steps(scripts, heads), "script": scripts}
        )
        with Operations.context(context):
            context.run_migrations()


def _way_back(scripts: ScriptDirectory, revision: str) -> MigrationStep:
    script = scripts.get_revision(revision)
    return MigrationStep.downgrade_from_script(scripts.revision_map, script)


def explain_error(error: Exception) -> str:
    """Return the reason of a failure in one line, the database's own words where they are."""
    if isinstance(error, SQLAlchemyError):
        return format_one_line(getattr(error, "orig", None) or error)
    return spi.explain_error(error)
