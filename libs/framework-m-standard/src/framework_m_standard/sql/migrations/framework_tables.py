"""The framework's own tables, and the record that tells a start that the schema is current."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.schema import CreateTable

from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.migrations.recorder import lift_timeout, patch_table
from framework_m_standard.sql.schema.mapper import SqlSchemaMapper
from framework_m_standard.sql.store import SqlStore

__all__ = ["FrameworkTables"]


class FrameworkTables:
    """The framework's own tables, kept up to date by the comparison that development's sync uses."""

    def __init__(self, store: SqlStore) -> None:
        self._driver = store.global_driver
        self._all = SqlSchemaMapper(store)
        known = store.tables(store.registry)
        tables, of_apps = known.all(), known.of_apps
        self._own = SqlSchemaMapper(store, [table for table in tables if table.name not in of_apps])

    async def plan(self) -> Sequence[str]:
        """Return the missing changes of the framework's tables."""
        return await self._driver.snapshot(self._own.missing)

    async def apply(self, *, everything: bool = False) -> None:
        """Create what is missing, with `everything` also of the app's tables, and the table of patches."""
        mapper = self._all if everything else self._own

        async def work(transaction: Transaction) -> None:
            await mapper.apply(transaction)
            await mapper.forget(transaction)
            await transaction.script(self._text(CreateTable(patch_table(), if_not_exists=True)))

        await self._do(work)

    async def note_if_current(self) -> None:
        """Record that the schema is current, if it is, so that the next start can skip the comparison."""
        try:
            missing = await self._driver.snapshot(self._all.missing)
        except ConfigurationError:
            return
        if not missing:
            await self._do(self._all.keep)

    async def forget_note(self) -> None:
        """Delete that record, before the schema changes."""
        await self._do(self._all.forget)

    async def _do(self, work: Callable[[Transaction], Awaitable[object]]) -> None:
        transaction = await self._driver.begin()
        try:
            await lift_timeout(transaction, self._driver.name)
            await work(transaction)
        except BaseException:
            await transaction.rollback()
            raise
        await transaction.commit()

    def _text(self, clause: CreateTable) -> str:
        return str(clause.compile(dialect=self._driver.dialect))
