"""The revisions and patches of an app in their order: each patch after its revision and before the next one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.migration import MigrationKind, MigrationStep
from framework_m_core.services.migrations.patches import PatchFile, read_patches
from framework_m_core.services.migrations.record import MigrationRecord
from framework_m_core.services.migrations.revisions import VERSIONS, RevisionFile, add_ancestors, heads, read_revisions

__all__ = ["MigrationFiles", "list_pending", "read_files"]


@dataclass(frozen=True, slots=True)
class MigrationFiles:
    """The migrations of an app."""

    folder: Path
    revisions: tuple[RevisionFile, ...]
    patches: tuple[PatchFile, ...]

    @property
    def heads(self) -> tuple[str, ...]:
        """The newest revisions; more than one if two were written in parallel."""
        return heads(self.revisions)

    def history(self, record: MigrationRecord) -> list[MigrationStep]:
        """Return all steps, the oldest first."""
        return [_step(file, self._is_done(file, record)) for file in self._in_order()]

    def pending(self, record: MigrationRecord, to: str | None = None, *, is_empty: bool = False) -> list[MigrationStep]:
        """Return the pending steps, up to and including a revision.

        If the tables are empty, patches that take documents come last, when the tables match the current classes.
        Raises ConfigurationError for a revision without a file, whether it is given or the database is at it.
        """
        self.check_known(record)
        wanted = add_ancestors(self.revisions, [self.resolve(to)] if to else self.heads) | add_ancestors(
            self.revisions, record.revisions
        )
        files = [file for file in self._in_order() if _place(file) in wanted and not self._is_done(file, record)]
        if is_empty:
            files.sort(key=lambda file: isinstance(file, PatchFile) and file.takes_documents)
        return [_step(file, False) for file in files]

    def resolve(self, name: str) -> str:
        """Return the id of the one revision with this id prefix, or of `head`. Raises ConfigurationError otherwise."""
        if name == "head" and len(self.heads) == 1:
            return self.heads[0]
        found = [revision.id for revision in self.revisions if revision.id.startswith(name)]
        found = [name] if name in found else found
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigurationError(f"expected one revision, got {name!r}, with which {', '.join(found)} begin")
        known = ", ".join(revision.id for revision in self.revisions) or "none"
        raise ConfigurationError(f"expected an existing revision, got {name!r}: known are {known}")

    def check_heads(self) -> None:
        """Raise ConfigurationError if there is more than one newest revision."""
        if len(self.heads) > 1:
            first, *others = self.heads
            raise ConfigurationError(
                f"expected one newest revision, got {first} and {', '.join(others)}: let the one that is not shared "
                "yet follow the other, by its down_revision"
            )

    def check_known(self, record: MigrationRecord) -> None:
        """Raise ConfigurationError if the database is at a revision without a file."""
        lost = set(record.revisions) - {revision.id for revision in self.revisions}
        if lost:
            raise ConfigurationError(
                f"the database is at revision {', '.join(sorted(lost))}, which has no file in {self.folder}: "
                "update the code if it is older than the database, or restore the file"
            )

    def check_writable(self) -> None:
        """Raise ConfigurationError unless a revision can be added."""
        if not (self.folder / VERSIONS).is_dir():
            raise ConfigurationError(f"{self.folder / VERSIONS} is missing: run `m migrate init`")
        self.check_heads()

    def require_revisions(self) -> None:
        """Raise ConfigurationError if there are none, although the app has DocTypes."""
        if not self.revisions:
            raise ConfigurationError(
                f"there is no revision in {self.folder / VERSIONS}: `m migrate init` and `m migrate create "
                '"initial"` write the first, in development'
            )

    def check_current(self, record: MigrationRecord) -> None:
        """Raise ConfigurationError if the database lacks a revision, which a new one would contain again."""
        if pending := [step for step in self.pending(record) if step.kind is MigrationKind.REVISION]:
            names = ", ".join(step.name for step in pending)
            raise ConfigurationError(
                f"the database is behind: run {names} first, by `m migrate run`, because a revision contains the "
                "differences between the database and the DocTypes"
            )

    def refuse_synced(self, tables: str) -> None:
        """Raise ConfigurationError if there are revisions that the tables, or collections, were not created by."""
        if self.revisions:
            raise ConfigurationError(
                f"the {tables} of this database were created by development's sync, not by the app's revisions: "
                "`m migrate init` adopts them as they are, or start with an empty database and `m migrate run`"
            )

    def get_revision(self, id: str) -> RevisionFile:
        """Return the revision with this id."""
        [found] = [one for one in self.revisions if one.id == id]
        return found

    def to_revert(self, record: MigrationRecord, steps: int, to: str | None) -> list[str]:
        """Return the ids of the newest `steps` applied revisions, or of all after `to`, the newest first.

        Raises ConfigurationError if the first revision is among them but `to` is not "base".
        """
        there = add_ancestors(self.revisions, record.revisions)
        applied = [revision.id for revision in self.revisions if revision.id in there]
        if to == "base":
            kept = 0
        elif to is not None:
            kept = applied.index(self.resolve(to)) + 1 if self.resolve(to) in applied else len(applied)
        else:
            kept = len(applied) - steps
            if applied and kept <= 0:
                raise ConfigurationError(
                    f"{applied[0]} is the first revision: undoing it drops all documents of the app. "
                    "To do so: m migrate rollback --to base"
                )
        return applied[kept:][::-1]

    def _in_order(self) -> Iterator[RevisionFile | PatchFile]:
        for revision in self.revisions:
            yield revision
            yield from (patch for patch in self.patches if patch.after == revision.id)

    def _is_done(self, file: RevisionFile | PatchFile, record: MigrationRecord) -> bool:
        if isinstance(file, PatchFile):
            return file.name in record.patches
        return file.id in add_ancestors(self.revisions, record.revisions)


def read_files(folder: Path) -> MigrationFiles:
    """Read the migrations in a folder, which need not exist. Raises ConfigurationError for invalid files."""
    revisions = read_revisions(folder)
    return MigrationFiles(folder, revisions, read_patches(folder, {revision.id for revision in revisions}))


def list_pending(files: MigrationFiles, record: MigrationRecord) -> Sequence[str]:
    """Return a line for each pending step."""
    return [f"{step.kind} {step.name} was not run" for step in files.pending(record)]


def _place(file: RevisionFile | PatchFile) -> str:
    return file.after if isinstance(file, PatchFile) else file.id


def _step(file: RevisionFile | PatchFile, applied: bool) -> MigrationStep:
    if isinstance(file, PatchFile):
        return MigrationStep(file.name, MigrationKind.PATCH, file.message, applied)
    return MigrationStep(file.id, MigrationKind.REVISION, file.message, applied)
