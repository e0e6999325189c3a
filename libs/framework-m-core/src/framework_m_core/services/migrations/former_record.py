"""A record of migrations that names no apps, from when one folder had the revisions of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from framework_m_core.services.migrations.files.app_files import MigrationFiles
from framework_m_core.services.migrations.files.record import FORMER_APP, MigrationRecord, StepId
from framework_m_core.services.migrations.files.revisions import add_ancestors

__all__ = ["convert_former"]


def convert_former(record: MigrationRecord, files: Iterable[MigrationFiles]) -> MigrationRecord:
    """Return the record with the app whose files have its revisions; `files` are in the order of preference.

    The revisions that precede recorded ones were applied, too.
    """
    if FORMER_APP not in record.apps:
        return record
    known = {id.name: checksum for id, checksum in record.revisions.items() if id.app == FORMER_APP}
    owner = max(files, key=lambda one: _count_equal(one, known), default=None)
    if owner is None:
        return record
    applied = {name: known.get(name) for name in add_ancestors(owner.revisions, known)}
    others = {id: checksum for id, checksum in record.revisions.items() if id.app != FORMER_APP}
    return MigrationRecord(
        record.exists,
        record.apps - {FORMER_APP} | {owner.app},
        others | {StepId(owner.app, name): checksum for name, checksum in applied.items()},
        {StepId(id.app or owner.app, id.name): checksum for id, checksum in record.patches.items()},
    )


def _count_equal(files: MigrationFiles, known: Mapping[str, str | None]) -> tuple[bool, int]:
    """Return whether the files have all revisions, and how many have not changed."""
    checksums = {revision.id: revision.checksum for revision in files.revisions}
    equal = sum(checksums.get(name) == checksum for name, checksum in known.items())
    return known.keys() <= checksums.keys(), equal
