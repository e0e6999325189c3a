"""Verification that the migration files are valid and are those that changed the database."""

from __future__ import annotations

from collections.abc import Iterator

from framework_m_core.domain.context import RegistryView
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.migrations.files.record import MigrationRecord
from framework_m_core.services.migrations.graph import MigrationGraph
from framework_m_core.services.migrations.locations import MigrationFolders

__all__ = ["find_errors", "list_pending"]


def list_pending(graph: MigrationGraph, record: MigrationRecord) -> list[str]:
    """Return a line for each pending step."""
    steps = (graph.describe(file, applied=False) for file in graph.list_pending(graph.read(record)))
    return [f"{step.kind} {step.name} was not run" for step in steps]


def find_errors(folders: MigrationFolders, registry: RegistryView, record: MigrationRecord) -> Iterator[str]:
    """Yield a line for each error."""
    try:
        graph = folders.read(registry)
        graph.check_heads()
        record = graph.read(record)
        lost = [*_find_lost(graph, record)]
        pending = [] if lost else list_pending(graph, record)
    except ConfigurationError as error:
        yield from error.errors or (error.message,)
        return
    yield from lost
    yield from _find_changed(graph, record)
    yield from pending


def _find_lost(graph: MigrationGraph, record: MigrationRecord) -> Iterator[str]:
    """Yield a line for each applied revision of a loaded app without a file."""
    known = {revision.step for revision in graph.list_revisions()}
    for step in sorted(record.revisions):
        if step.app in graph.files and step not in known:
            yield f"the database is at revision {graph.format_step(step)}, which has no file: restore the file"


def _find_changed(graph: MigrationGraph, record: MigrationRecord) -> Iterator[str]:
    """Yield a line for each applied revision or patch that was changed since, or patch whose file is missing."""
    for revision in graph.list_revisions():
        if (record.revisions.get(revision.step) or revision.checksum) != revision.checksum:
            yield (
                f"revision {graph.format_step(revision.step)} was changed after it was run, which has no effect here: "
                f"revert the change in {revision.path.name}, and write a new revision"
            )
    patches = {patch.step: patch for files in graph.files.values() for patch in files.patches}
    for step, checksum in sorted(record.patches.items()):
        name = graph.format_step(step)
        if step.app in graph.files and step not in patches:
            yield f"patch {name} was run, but has no file: restore the file"
        elif step in patches and patches[step].checksum != checksum:
            yield f"patch {name} was changed after it was run, which has no effect: revert it, and write a new patch"
