"""The framework's own tables, and the record that tells a start that the schema is current."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from framework_m_core.spi import ConfigurationError
from framework_m_standard.sql.engine.driver import Transaction, transact
from framework_m_standard.sql.migrations.recorder import lift_timeout
from framework_m_standard.sql.schema_mapper import SqlSchemaMapper
from framework_m_standard.sql.store import SqlStore

__all__ = ["FrameworkTables"]


class FrameworkTables:
    """The framework's own tables, kept up to date by the comparison that development's sync uses."""

    def __init__(self, store: SqlStore) -> None:
        self._driver = store.global_driver
        self._all = SqlSchemaMapper(store)
        known = store.tables_of(store.registry)
        tables, of_apps = known.list_all(), known.of_apps
        self._own = SqlSchemaMapper(store, [table for table in tables if table.name not in of_apps])

    async def plan(self) -> Sequence[str]:
        """Return the missing changes of the framework's tables."""
        return await self._driver.run_on_snapshot(self._own.find_missing)

    async def apply(self) -> None:
        """Create what is missing."""

        async def work(transaction: Transaction) -> None:
            await self._own.apply(transaction)
            await self._own.forget(transaction)

        await self._run(work)

    async def note_if_current(self) -> None:
        """Record that the schema is current, if it is, so that the next start can skip the comparison."""
        try:
            missing = await self._driver.run_on_snapshot(self._all.find_missing)
        except ConfigurationError:
            return
        if not missing:
            await self._run(self._all.keep)

    async def forget_note(self) -> None:
        """Delete that record, before the schema changes."""
        await self._run(self._all.forget)

    async def _run(self, work: Callable[[Transaction], Awaitable[object]]) -> None:
        async def run_without_timeout(transaction: Transaction) -> None:
            await lift_timeout(transaction, self._driver.name)
            await work(transaction)

        await transact(self._driver, run_without_timeout)
