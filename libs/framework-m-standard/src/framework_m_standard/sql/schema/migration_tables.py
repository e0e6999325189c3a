"""The names of the tables in which migrations keep what they have done."""

from __future__ import annotations

from typing import Final

__all__ = [
    "CHANGE_TABLE",
    "FORMER_CHECKSUMS",
    "FORMER_PATCHES",
    "FORMER_REVISIONS",
    "FORMER_TABLES",
    "OWN_TABLES",
    "RECORD_TABLE",
]

RECORD_TABLE: Final = "m_migration"
CHANGE_TABLE: Final = "m_revision_change"
FORMER_REVISIONS: Final = "alembic_version"
FORMER_CHECKSUMS: Final = "m_revision"
FORMER_PATCHES: Final = "m_patch"
FORMER_TABLES: Final = (FORMER_CHECKSUMS, FORMER_PATCHES, FORMER_REVISIONS)
"""The tables of versions that knew one app; the one whose existence says that migrations have begun goes last."""

OWN_TABLES: Final = frozenset({RECORD_TABLE, CHANGE_TABLE, *FORMER_TABLES})
