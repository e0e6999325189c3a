"""Execution of patches: as the system, each in one transaction with the record that it was applied."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic.util import load_python_file

from framework_m_core.domain.context import RequestContext, system_context
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.spi import retry
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.migrations.files.patches import PatchFile
from framework_m_standard.sql.migrations.recorder import lift_timeout, patch_table
from framework_m_standard.sql.migrations.runner import RUN_AGAIN, failed
from framework_m_standard.sql.statements.compiled import Statement, literal_text
from framework_m_standard.sql.unit_of_work import SqlUnitOfWork, SqlUnitOfWorkFactory

__all__ = ["PatchRunner", "PatchSql"]


class PatchRunner:
    """Runner of single patches."""

    def __init__(self, units: SqlUnitOfWorkFactory, documents: DocumentService) -> None:
        self._units = units
        self._documents = documents

    async def run(self, patch: PatchFile) -> None:
        """Run a patch; retry it if it conflicts with other writers. Raises MigrationError stating where it failed."""
        with failed("patch", patch.name, patch.path.parents[1], RUN_AGAIN):
            work = _work_of(patch)
            await retry(lambda: self._attempt(patch, work))

    async def _attempt(self, patch: PatchFile, work: Any) -> None:
        context = system_context(f"patch {patch.name}")
        async with self._units(context) as unit:
            await lift_timeout(await unit.transaction(), unit.driver.name)
            await work(**await self._arguments(work, context, unit))
            await unit.flush()
            transaction = await unit.transaction()
            await transaction.script(_note(patch, context, unit.driver.dialect))
            await unit.commit()

    async def _arguments(self, work: Any, context: RequestContext, unit: SqlUnitOfWork) -> Mapping[str, object]:
        given: dict[str, object] = {}
        for name in inspect.signature(work).parameters:
            if name == "documents":
                given[name] = self._documents.client_for(context.within(unit))
            elif name == "sql":
                given[name] = PatchSql(await unit.transaction(), unit.driver.name)
            else:
                raise ConfigurationError(f"expected `documents` or `sql` as parameters of `run`, got {name!r}")
        return given


def _work_of(patch: PatchFile) -> Any:
    module = load_python_file(str(patch.path.parent), patch.path.name)
    work = getattr(module, "run", None)
    if not inspect.iscoroutinefunction(work):
        raise ConfigurationError("expected `async def run(documents)` in it, got none")
    return work


def _note(patch: PatchFile, context: RequestContext, dialect: Any) -> str:
    row = {"name": patch.name, "checksum": patch.checksum, "applied_at": context.clock().isoformat()}
    return literal_text(dialect, patch_table().insert().values({name: sa.literal(row[name]) for name in row}))


class PatchSql:
    """SQL for patches that documents cannot do: on columns without a field, or on very many rows."""

    def __init__(self, transaction: Transaction, dialect: str) -> None:
        self._transaction = transaction
        self.dialect = dialect
        """`sqlite` or `postgresql`."""

    async def fetch(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a statement; placeholders are `?` on SQLite and `$1` on PostgreSQL."""
        rows = await self._transaction.fetch(Statement(statement), values)
        return [tuple(row) for row in rows]

    async def execute(self, statement: str, *values: Any) -> int:
        """Run a statement and return the number of affected rows."""
        return await self._transaction.execute(Statement(statement), values)
