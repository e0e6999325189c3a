"""The revisions and patches of an app in their order: each patch after its revision and before the next one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.migration import MigrationKind, MigrationStep
from framework_m_standard.sql.migrations.files.patches import PatchFile, read_patches
from framework_m_standard.sql.migrations.files.revisions import RevisionFile, heads, reached, read_revisions
from framework_m_standard.sql.migrations.recorder import Ledger

__all__ = ["MigrationFiles", "pending_lines", "read_files"]


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

    def history(self, ledger: Ledger) -> list[MigrationStep]:
        """Return all steps, the oldest first."""
        return [_step(file, self._is_done(file, ledger)) for file in self._in_order()]

    def pending(self, ledger: Ledger, to: str | None = None, *, is_empty: bool = False) -> list[MigrationStep]:
        """Return the pending steps, up to and including a revision.

        If the tables are empty, patches that take documents come last, when the tables match the current classes.
        Raises ConfigurationError for a revision without a file, whether it is given or the database is at it.
        """
        self.check_known(ledger)
        wanted = reached(self.revisions, [self.resolve(to)] if to else self.heads) | reached(
            self.revisions, ledger.revisions
        )
        files = [file for file in self._in_order() if _place(file) in wanted and not self._is_done(file, ledger)]
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

    def check_known(self, ledger: Ledger) -> None:
        """Raise ConfigurationError if the database is at a revision without a file."""
        lost = set(ledger.revisions) - {revision.id for revision in self.revisions}
        if lost:
            raise ConfigurationError(
                f"the database is at revision {', '.join(sorted(lost))}, which has no file in {self.folder}: "
                "update the code if it is older than the database, or restore the file"
            )

    def _in_order(self) -> Iterator[RevisionFile | PatchFile]:
        for revision in self.revisions:
            yield revision
            yield from (patch for patch in self.patches if patch.after == revision.id)

    def _is_done(self, file: RevisionFile | PatchFile, ledger: Ledger) -> bool:
        if isinstance(file, PatchFile):
            return file.name in ledger.patches
        return file.id in reached(self.revisions, ledger.revisions)


def read_files(folder: Path) -> MigrationFiles:
    """Read the migrations in a folder, which need not exist. Raises ConfigurationError for invalid files."""
    revisions = read_revisions(folder)
    return MigrationFiles(folder, revisions, read_patches(folder, {revision.id for revision in revisions}))


def pending_lines(files: MigrationFiles, ledger: Ledger) -> Sequence[str]:
    """Return a line for each pending step."""
    return [f"{step.kind} {step.name} was not run" for step in files.pending(ledger)]


def _place(file: RevisionFile | PatchFile) -> str:
    return file.after if isinstance(file, PatchFile) else file.id


def _step(file: RevisionFile | PatchFile, applied: bool) -> MigrationStep:
    if isinstance(file, PatchFile):
        return MigrationStep(file.name, MigrationKind.PATCH, file.message, applied)
    return MigrationStep(file.id, MigrationKind.REVISION, file.message, applied)
