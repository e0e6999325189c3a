"""Verification that the migration files are valid and are those that changed the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.migrations.graph import MigrationFiles, list_pending, read_files
from framework_m_core.services.migrations.record import MigrationRecord

__all__ = ["find_errors"]


def find_errors(folder: Path, record: MigrationRecord) -> Iterator[str]:
    """Yield a line for each error."""
    try:
        files = read_files(folder)
        files.check_heads()
    except ConfigurationError as error:
        yield from error.errors or (error.message,)
        return
    yield from _lost_or_changed(files, record)
    if set(record.revisions) <= {revision.id for revision in files.revisions}:  # else what is pending is unknown
        yield from list_pending(files, record)


def _lost_or_changed(files: MigrationFiles, record: MigrationRecord) -> Iterator[str]:
    """Yield a line for each applied revision or patch whose file is missing or was changed since."""
    known = {revision.id: revision for revision in files.revisions}
    for id in record.revisions:
        if id not in known:
            yield f"the database is at revision {id}, which has no file: restore the file"
    for revision in files.revisions:
        if record.checksums.get(revision.id, revision.checksum) != revision.checksum:
            yield (
                f"revision {revision.id} was changed after it was run, which has no effect here: revert the change in "
                f"{revision.path.name}, and write a new revision"
            )
    patches = {patch.name: patch for patch in files.patches}
    for name, checksum in sorted(record.patches.items()):
        if name not in patches:
            yield f"patch {name} was run, but has no file: restore the file"
        elif patches[name].checksum != checksum:
            yield f"patch {name} was changed after it was run, which has no effect: revert it, and write a new patch"
