"""The revisions and patches of one app in their order: each patch after its revision and before the next one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.migrations.files.patches import PatchFile, read_patches
from framework_m_core.services.migrations.files.revisions import VERSIONS, RevisionFile, heads_of, read_revisions

__all__ = ["MigrationFile", "MigrationFiles", "read_files"]

type MigrationFile = RevisionFile | PatchFile


@dataclass(frozen=True, slots=True)
class MigrationFiles:
    """The migrations of an app."""

    app: str
    folder: Path
    revisions: tuple[RevisionFile, ...]
    patches: tuple[PatchFile, ...]

    @property
    def heads(self) -> tuple[str, ...]:
        """The newest revisions; more than one if two were written in parallel."""
        return heads_of(self.revisions)

    @property
    def newest(self) -> str | None:
        """The newest revision."""
        return self.heads[0] if self.revisions else None

    def list_all(self) -> Iterator[MigrationFile]:
        """Yield all files in order."""
        for revision in self.revisions:
            yield revision
            yield from (patch for patch in self.patches if patch.after == revision.id)

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

    def is_creator_of(self, name: str) -> bool:
        """Return whether a revision creates a table or collection."""
        return self._has(re.compile(rf"\bcreate_(table|collection)\(\s*[\"']{re.escape(name)}[\"']"))

    def has_names(self, *names: str) -> bool:
        """Return whether a revision has all these names in quotes."""
        return self._has(*(re.compile(rf"[\"']{re.escape(name)}[\"']") for name in names))

    def _has(self, *patterns: re.Pattern[str]) -> bool:
        texts = (revision.path.read_text(encoding="utf-8") for revision in self.revisions)
        return any(all(pattern.search(text) for pattern in patterns) for text in texts)


def read_files(folder: Path, app: str) -> MigrationFiles:
    """Read the migrations in a folder, which need not exist. Raises ConfigurationError for invalid files."""
    revisions = read_revisions(folder, app)
    return MigrationFiles(app, folder, revisions, read_patches(folder, app, {revision.id for revision in revisions}))
