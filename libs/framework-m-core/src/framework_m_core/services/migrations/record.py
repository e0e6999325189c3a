"""`MigrationRecord`: what a store knows of the migrations that have changed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["MigrationRecord"]


@dataclass(frozen=True, slots=True)
class MigrationRecord:
    """Whether migrations have changed the store, its current revisions, and checksums of patches and revisions.

    Revisions that a version without checksums applied have none.
    """

    exists: bool
    revisions: tuple[str, ...] = ()
    patches: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
