"""Patches on SQL: what they may take besides documents, and the record that they were applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from framework_m_core.spi import MigrationKind, PatchFile, PatchStore
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.engine.statement import Statement, render_clause
from framework_m_standard.sql.migrations.recorder import build_record_table, lift_timeout, make_entry
from framework_m_standard.sql.migrations.runner import explain_error
from framework_m_standard.sql.unit_of_work import SqlUnitOfWork, SqlUnitOfWorkFactory

__all__ = ["PatchSql", "make_patch_store"]


def make_patch_store(units: SqlUnitOfWorkFactory) -> PatchStore[SqlUnitOfWork]:
    """Return how patches run over units of work."""
    return PatchStore(units, _begin, _record, explain_error)


async def _begin(unit: SqlUnitOfWork) -> Mapping[str, object]:
    transaction = await unit.open_transaction()
    await lift_timeout(transaction, unit.driver.name)
    return {"sql": PatchSql(transaction, unit.driver.name)}


async def _record(unit: SqlUnitOfWork, patch: PatchFile, applied_at: str) -> None:
    row = make_entry(MigrationKind.PATCH, patch.step, patch.checksum, applied_at)
    values = {name: sa.literal(value) for name, value in row.items()}
    text = render_clause(unit.driver.dialect, build_record_table().insert().values(values))
    await (await unit.open_transaction()).run_script(text)


class PatchSql:
    """SQL for patches that documents cannot do: on columns without a field, or on very many rows."""

    def __init__(self, transaction: Transaction, dialect: str) -> None:
        self._transaction = transaction
        self.dialect = dialect
        """`sqlite`, `postgresql` or `mariadb`."""

    async def fetch(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a statement; placeholders are `$1` on PostgreSQL, else `?`."""
        rows = await self._transaction.fetch(Statement(statement), values)
        return [tuple(row) for row in rows]

    async def execute(self, statement: str, *values: Any) -> int:
        """Run a statement and return the number of affected rows."""
        return await self._transaction.execute(Statement(statement), values)
