"""Port `MigrationProtocol`: schema changes of a store by revisions and patches that belong to the app.

A store without a schema has no adapter for it. `m migrate` uses this port only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

__all__ = ["MigrationKind", "MigrationProtocol", "MigrationStatus", "MigrationStep", "WrittenRevision"]


class MigrationKind(StrEnum):
    """What a step changes: the schema, or stored data."""

    REVISION = "revision"
    PATCH = "patch"


@dataclass(frozen=True, slots=True)
class MigrationStep:
    """A revision or patch: the name of its file, its message, and whether it has been applied."""

    name: str
    kind: MigrationKind
    message: str
    applied: bool


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """The migration status of a store.

    `revisions` are its current ones, normally one; `pending` is in the order of application; `drift` lists differences
    between the store and the DocTypes once nothing is pending. `has_begun` is False before `init`. `unfit` counts, once
    nothing else is to be done, the stored values that fields no longer accept: they stay until they are changed.
    """

    revisions: tuple[str, ...]
    pending: tuple[MigrationStep, ...]
    drift: tuple[str, ...]
    has_begun: bool = True
    unfit: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        """True if nothing is pending and nothing has drifted."""
        return not self.pending and not self.drift


@dataclass(frozen=True, slots=True)
class WrittenRevision:
    """A generated revision: its file, its changes, and advice on what to review before running it."""

    path: Path
    changes: tuple[str, ...]
    advice: tuple[str, ...] = ()


class MigrationProtocol(Protocol):
    """Generates migrations for an app and applies them to stores.

    Contract: each step is recorded exactly once, however many processes run concurrently and even if one is killed; a
    second run finds nothing to do. A patch is atomic; so is a revision where the store has `TRANSACTIONAL_SCHEMA`, else
    one that fails stays pending and can be repeated. Right after a complete run, `create` writes nothing. A run that is
    abandoned early makes way for others and keeps the steps it has applied. Raises MigrationError for a step that
    fails, ConfigurationError for invalid files.
    """

    async def init(self) -> Sequence[str]:
        """Create the app's migrations folder, and adopt a store whose schema was created in development.

        Return what was done, one line each; empty if there was nothing to do.
        """
        ...

    async def create(self, message: str, *, empty: bool = False, drop: bool = False) -> WrittenRevision | None:
        """Write a revision that brings the store in line with the DocTypes; return None if it already is.

        With `empty` the revision has no operations yet. With `drop` it drops what DocTypes no longer declare, which is
        kept otherwise. Raises ConfigurationError before `init`.
        """
        ...

    async def create_patch(self, message: str) -> Path:
        """Write an empty patch that follows the newest revision."""
        ...

    async def diff(self) -> Sequence[str]:
        """Return the differences between the store and the DocTypes, one line each."""
        ...

    def apply(self, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Apply pending steps, up to and including a revision and its patches, and yield each step once applied.

        The order is that of `status`. A patch is applied before the next revision; if no documents are stored, a patch
        of documents may wait until schema and classes agree.
        """
        ...

    async def preview(self, to: str | None = None) -> Sequence[str]:
        """Return what `apply` would do, in the store's words, with patches as comments; change nothing."""
        ...

    def rollback(self, *, steps: int = 1, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Revert the newest `steps` revisions, or all after `to` ("base" for all). Patches stay applied."""
        ...

    async def status(self) -> MigrationStatus:
        """Return the store's status without taking a lock or changing anything."""
        ...

    async def history(self) -> Sequence[MigrationStep]:
        """Return every revision and patch of the app, oldest first."""
        ...

    async def verify(self) -> Sequence[str]:
        """Return all errors in the files, in what they applied, and in the schema, one line each."""
        ...
