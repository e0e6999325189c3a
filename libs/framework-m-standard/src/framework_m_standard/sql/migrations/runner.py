"""Execution of revisions, each in one transaction with the record that it was applied, and errors of migrations."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from framework_m_core.domain.errors import FrameworkError, MigrationError
from framework_m_standard.sql.migrations.files.scripts import open_scripts

__all__ = ["RUN_AGAIN", "RevisionRunner", "failed"]

RUN_AGAIN: Final = "It was rolled back, and no later step was run: fix it and run `m migrate run` again"
_UNDO_AGAIN: Final = "It was rolled back, and no earlier revision was undone: fix it and run `m migrate rollback` again"
_TRIED: Final = "It was only tried, and rolled back: fix it before it is run"

type _Steps = Callable[[ScriptDirectory, Any], Iterable[Any]]


class RevisionRunner:
    """Runner of the revisions of a folder, on a connection that is in a transaction."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def upgrade(self, connection: sa.Connection, revision: str, *, trying: bool = False) -> None:
        """Run one revision; `trying` only changes the error's advice. Raises MigrationError stating where it failed."""
        with failed("revision", revision, self._folder, _TRIED if trying else RUN_AGAIN):
            self._run(connection, lambda scripts, heads: scripts._upgrade_revs(revision, heads))

    def downgrade(self, connection: sa.Connection, revision: str) -> None:
        """Revert one revision that no applied one follows. Raises MigrationError stating where it failed."""
        with failed("the downgrade of revision", revision, self._folder, _UNDO_AGAIN):
            self._run(connection, lambda scripts, _: [_way_back(scripts, revision)])

    def stamp(self, connection: sa.Connection, revision: str) -> None:
        """Record that the database is at a revision, without running anything."""
        MigrationContext.configure(connection=connection).stamp(open_scripts(self._folder), revision)

    def ensure_table(self, connection: sa.Connection) -> None:
        """Create Alembic's table if there is none: from then on migrations own the database."""
        MigrationContext.configure(connection=connection)._ensure_version_table()

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


@contextmanager
def failed(what: str, name: str, folder: Path, then: str) -> Iterator[None]:
    """Raise any error of the block as a MigrationError that states the file, the line, and what to do next."""
    try:
        yield
    except Exception as error:
        reason = _reason(error)
        raise MigrationError(f"{what} {name} failed{_place(error, folder)}: {reason}. {then}") from error


def _place(error: BaseException, folder: Path) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    if not own and isinstance(error, SyntaxError) and error.filename:
        return f" at {Path(error.filename).name}, line {error.lineno}"
    if not own:
        return ""
    return f" at {Path(own[-1].filename).relative_to(folder.parent)}, line {own[-1].lineno}"


def _reason(error: Exception) -> str:
    if isinstance(error, FrameworkError):
        cause = error.__cause__
        known = str(error).rstrip(".")
        return f"{known} ({_line(cause)})" if isinstance(cause, Exception) and "refused" in known else known
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    if isinstance(error, SQLAlchemyError):
        return _line(getattr(error, "orig", None) or error)
    return f"{type(error).__name__}: {_line(error)}"


def _line(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")
