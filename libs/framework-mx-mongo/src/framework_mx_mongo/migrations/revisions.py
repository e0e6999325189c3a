"""Execution of the functions of a revision."""

from __future__ import annotations

import inspect
from typing import Final

from framework_m_core.spi import ConfigurationError, RevisionFile, load_file, translate_failures
from framework_mx_mongo.migrations.operations import Database, Perform

__all__ = ["run_downgrade", "run_upgrade"]

_AGAIN: Final = (
    "A part of it may be done, and no later step was run: fix it and run `m migrate run` again, which repeats it"
)
_UNDO_AGAIN: Final = "A part of it may be undone: fix it and run `m migrate rollback` again"
_TRIED: Final = "It was only tried, and nothing was changed: fix it before it is run"


async def run_upgrade(revision: RevisionFile, label: str, perform: Perform, *, is_trial: bool = False) -> None:
    """Run a revision; `is_trial` only changes the error's advice. Raises MigrationError stating where it failed."""
    await _run(revision, label, "upgrade", "revision", perform, _TRIED if is_trial else _AGAIN)


async def run_downgrade(revision: RevisionFile, label: str, perform: Perform) -> None:
    """Revert a revision. Raises MigrationError stating where it failed."""
    await _run(revision, label, "downgrade", "the downgrade of revision", perform, _UNDO_AGAIN)


async def _run(revision: RevisionFile, label: str, function: str, what: str, perform: Perform, then: str) -> None:
    with translate_failures(what, label, revision.path.parents[1], then):
        work = getattr(load_file(revision.path), function, None)
        if not inspect.iscoroutinefunction(work):
            raise ConfigurationError(f"expected `async def {function}(database)` in it, got none")
        await work(Database(perform))
