"""What a change of the schema leaves to a person: values under an old name, and values that there are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from framework_m_standard.sql.column_default import DEFAULT, REQUIRED
from framework_m_standard.sql.existing_schema import ExistingSchema

__all__ = ["advice_on"]


def advice_on(tables: Sequence[sa.Table], before: ExistingSchema) -> Iterator[str]:
    """A line for each new column of a table that was there before, where somebody may want to act."""
    for table in tables:
        existing = before.columns.get(table.name, {})
        gone = [name for name in existing if name not in table.columns]
        for column in table.columns if existing else ():
            if column.name in existing:
                continue
            if gone:
                yield (
                    f"{table.name}.{column.name} is new, and {', '.join(gone)} no longer declared; what it holds is "
                    "kept. If this is a new name, copy the values by SQL, or rename it back"
                )
            elif column.info.get(REQUIRED) and column.info[DEFAULT]() is None:
                yield (
                    f"{table.name}.{column.name} is required and has no default: documents of before are without it "
                    "and refuse other changes until it is filled. Give the field a default, or fill it"
                )
