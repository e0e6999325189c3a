"""Whether the files of the migrations are sound, and are those by which the database was changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.sql.migrations.files.graph import MigrationFiles, pending_lines, read_files
from framework_m_standard.sql.migrations.recorder import Ledger

__all__ = ["problems_of"]


def problems_of(folder: Path, ledger: Ledger) -> Iterator[str]:
    """Every problem, a line each."""
    try:
        files = read_files(folder)
        files.check_heads()
    except ConfigurationError as error:
        yield from error.problems or (error.message,)
        return
    yield from _lost(files, ledger)
    if set(ledger.revisions) <= {revision.id for revision in files.revisions}:  # else nobody knows what is pending
        yield from pending_lines(files, ledger)


def _lost(files: MigrationFiles, ledger: Ledger) -> Iterator[str]:
    """What was done by a file that is not there any longer, or that was changed since."""
    known = {revision.id for revision in files.revisions}
    for revision in ledger.revisions:
        if revision not in known:
            yield f"the database is at revision {revision}, of which there is no file: bring the file back"
    patches = {patch.name: patch for patch in files.patches}
    for name, checksum in sorted(ledger.patches.items()):
        if name not in patches:
            yield f"patch {name} was run, and there is no file of it: bring the file back"
        elif patches[name].checksum != checksum:
            yield f"patch {name} was changed after it was run, which has no effect: undo that, and write a new patch"
