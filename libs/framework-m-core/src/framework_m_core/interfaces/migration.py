"""Port `MigrationProtocol`: schema changes of a store by revisions and patches that belong to the apps.

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
    """A revision or patch: its name, its message, and whether it has been applied.

    The name is that of the file, after the app and a colon unless the app is the one in the working directory.
    """

    name: str
    kind: MigrationKind
    message: str
    applied: bool


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """The migration status of a store.

    `revisions` are its current ones, normally one per app; `pending` is in the order of application; `drift` lists
    differences between the store and the DocTypes once nothing is pending, and `elsewhere` those that other apps' own
    revisions must contain. `has_begun` is False before `init`. `unfit` counts, once nothing else is to be done, the
    stored values that fields no longer accept: they stay until they are changed.
    """

    revisions: tuple[str, ...]
    pending: tuple[MigrationStep, ...]
    drift: tuple[str, ...]
    has_begun: bool = True
    unfit: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        """True if nothing is pending and nothing has drifted."""
        return not (self.pending or self.drift or self.elsewhere)


@dataclass(frozen=True, slots=True)
class WrittenRevision:
    """A generated revision: its file, its changes, and advice on what to review before running it."""

    path: Path
    changes: tuple[str, ...]
    advice: tuple[str, ...] = ()


class MigrationProtocol(Protocol):
    """Generates migrations for an app and applies those of all loaded apps to stores.

    A revision belongs to the app that declares the DocType, or the override that adds to it. Contract: each step is
    recorded exactly once, however many processes run concurrently and even if one is killed; a second run finds nothing
    to do. A patch is atomic; so is a revision where the store has `TRANSACTIONAL_SCHEMA`, else
    one that fails stays pending and can be repeated. Right after a complete run, `create` writes nothing. A run that is
    abandoned early makes way for others and keeps the steps it has applied. Raises MigrationError for a step that
    fails, ConfigurationError for invalid files.
    """

    async def init(self) -> Sequence[str]:
        """Create the app's migrations folder, and adopt a store whose schema was created in development.

        What the app's revisions have created for an app that now has its own is adopted by a revision. Return what was
        done, one line each; empty if there was nothing to do.
        """
        ...

    async def create(
        self, message: str, *, empty: bool = False, drop: bool = False, app: str | None = None
    ) -> WrittenRevision | None:
        """Write a revision that brings the store in line with the DocTypes of an app; return None if it already is.

        `app` is needed only if there are several in the working directory. With `empty` the revision has no operations
        yet. With `drop` it drops what DocTypes no longer declare, which is kept otherwise. Raises ConfigurationError
        before `init`.
        """
        ...

    async def create_patch(self, message: str, *, app: str | None = None) -> Path:
        """Write an empty patch that follows the newest revision of the app."""
        ...

    async def diff(self) -> Sequence[str]:
        """Return the differences between the store and the DocTypes of the apps here, one line each."""
        ...

    async def diff_elsewhere(self) -> Sequence[str]:
        """Return the differences that the revisions of other apps must contain, one line for each of these apps."""
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
        """Revert the newest `steps` revisions of an app, or all after `to` ("base" for all). Patches stay applied."""
        ...

    async def status(self) -> MigrationStatus:
        """Return the store's status without taking a lock or changing anything."""
        ...

    async def history(self) -> Sequence[MigrationStep]:
        """Return every revision and patch of all loaded apps, in the order of application."""
        ...

    async def verify(self) -> Sequence[str]:
        """Return all errors in the files, in what they applied, and in the schema, one line each."""
        ...
