"""Revision files of SQL stores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from framework_m_core.spi import MigrationFiles, RevisionStyle, StepId
from framework_m_core.spi import write_revision as write_file
from framework_m_standard.sql.migrations.autogenerate.rendering import render
from framework_m_standard.sql.schema.changes import Change, reverse_changes

__all__ = ["write_revision"]

_STYLE: Final = RevisionStyle(
    "def",
    "",
    {
        "datetime.": "import datetime",
        "decimal.": "import decimal",
        "uuid.": "import uuid",
        "sa.": "import sqlalchemy as sa",
        "op.": "from alembic import op",
        "m.": "from framework_m import migrations as m",
    },
)


def write_revision(
    files: MigrationFiles, message: str, changes: Sequence[Change], *, adopts: StepId | None = None
) -> Path:
    """Write a revision of an app after its newest one."""
    return write_file(files, message, _STYLE, render(changes), render(reverse_changes(changes)), adopts)
