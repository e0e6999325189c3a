"""Verification that the migration files are valid and are those that changed the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.sql.migrations.files.graph import MigrationFiles, pending_lines, read_files
from framework_m_standard.sql.migrations.recorder import Ledger

__all__ = ["problems_of"]


def problems_of(folder: Path, ledger: Ledger) -> Iterator[str]:
    """Yield a line for each problem."""
    try:
        files = read_files(folder)
        files.check_heads()
    except ConfigurationError as error:
        yield from error.problems or (error.message,)
        return
    yield from _lost(files, ledger)
    if set(ledger.revisions) <= {revision.id for revision in files.revisions}:  # else what is pending is unknown
        yield from pending_lines(files, ledger)


def _lost(files: MigrationFiles, ledger: Ledger) -> Iterator[str]:
    """Yield a line for each applied revision or patch whose file is missing, and each patch changed since."""
    known = {revision.id for revision in files.revisions}
    for revision in ledger.revisions:
        if revision not in known:
            yield f"the database is at revision {revision}, which has no file: restore the file"
    patches = {patch.name: patch for patch in files.patches}
    for name, checksum in sorted(ledger.patches.items()):
        if name not in patches:
            yield f"patch {name} was run, but has no file: restore the file"
        elif patches[name].checksum != checksum:
            yield f"patch {name} was changed after it was run, which has no effect: revert it, and write a new patch"
