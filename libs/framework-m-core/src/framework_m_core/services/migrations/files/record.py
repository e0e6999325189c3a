"""`MigrationRecord`: what a store knows of the migrations that have changed it, by app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

__all__ = ["FORMER_APP", "MigrationRecord", "StepId"]

FORMER_APP: Final = ""
"""The app of what a version of the framework has recorded that knew one folder of migrations only."""


class StepId(NamedTuple):
    """A revision or patch: its app, and its name there."""

    app: str
    name: str

    def __str__(self) -> str:
        return f"{self.app}:{self.name}"


@dataclass(frozen=True, slots=True)
class MigrationRecord:
    """Whether migrations have changed the store, the apps whose migrations have begun there, and what was applied.

    Revisions and patches have the checksums of their files; revisions that a version without checksums applied have
    none.
    """

    exists: bool
    apps: frozenset[str] = frozenset()
    revisions: Mapping[StepId, str | None] = field(default_factory=dict)
    patches: Mapping[StepId, str] = field(default_factory=dict)
