"""Port `MigrationProtocol`: the schema of a store changes by revisions and patches that are kept with the app.

A store that keeps no schema has no adapter for it. `m migrate` speaks to this port alone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

__all__ = ["MigrationKind", "MigrationProtocol", "MigrationStatus", "MigrationStep", "WrittenRevision"]


class MigrationKind(StrEnum):
    """What a step changes: the schema, or what is stored."""

    REVISION = "revision"
    PATCH = "patch"


@dataclass(frozen=True, slots=True)
class MigrationStep:
    """A revision or a patch: its name, which is that of its file, what it says of itself, and whether it was done."""

    name: str
    kind: MigrationKind
    message: str
    applied: bool


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Where a store stands.

    `revisions` are those that it has reached, normally one; `pending` comes in the order in which it would be done;
    `drift` says what the store has otherwise than the DocTypes once nothing is pending. `has_begun` is False before
    `init`.
    """

    revisions: tuple[str, ...]
    pending: tuple[MigrationStep, ...]
    drift: tuple[str, ...]
    has_begun: bool = True

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return not self.pending and not self.drift


@dataclass(frozen=True, slots=True)
class WrittenRevision:
    """A revision that was written: its file, what it does, and what a person should look at before it is run."""

    path: Path
    changes: tuple[str, ...]
    advice: tuple[str, ...] = ()


class MigrationProtocol(Protocol):
    """Writes migrations for an app and brings stores up to date by them.

    Contract: each step is done whole or not at all, and once, however many processes run at the same time and
    whenever one is killed; a second run finds nothing to do. What `create` writes right after a complete run is
    nothing. A run that is left early gives way to others, and what it had done stays. Raises MigrationError for a step
    that fails, ConfigurationError for files that make no sense.
    """

    async def init(self) -> Sequence[str]:
        """Makes the app's folder of migrations, and takes over a store whose tables development made.

        Returns what was done, a line each; nothing when there was nothing to do.
        """
        ...

    async def create(self, message: str, *, empty: bool = False, drop: bool = False) -> WrittenRevision | None:
        """Writes a revision that makes the store what the DocTypes say; None when it is that already.

        Raises ConfigurationError before `init`. With `empty` it does nothing yet. With `drop` it removes what no
        DocType declares any longer, which is kept otherwise.
        """
        ...

    async def create_patch(self, message: str) -> Path:
        """Writes a patch that follows the newest revision and does nothing yet."""
        ...

    async def diff(self) -> Sequence[str]:
        """What the store has otherwise than the DocTypes, a line each."""
        ...

    def apply(self, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Does what is pending, up to and with a revision and its patches, and yields each step once it is done.

        The order is that of `status`. A patch is done before the next revision; where no documents are stored, one of
        documents may wait until tables and classes agree.
        """
        ...

    async def preview(self, to: str | None = None) -> Sequence[str]:
        """The statements that `apply` would send, patches as a remark; nothing is changed."""
        ...

    def rollback(self, *, steps: int = 1, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Undoes the newest revisions: so many, or all after one (all at all: "base"). Patches stay done."""
        ...

    async def status(self) -> MigrationStatus:
        """Where the store stands. Takes no lock and changes nothing."""
        ...

    async def history(self) -> Sequence[MigrationStep]:
        """Every revision and patch of the app, the oldest first."""
        ...

    async def verify(self) -> Sequence[str]:
        """All that is wrong with the files, with what was done by them, and with the schema; a line each."""
        ...
