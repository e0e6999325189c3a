"""`SqlCounter`: port `CounterProtocol`, one row per counter and one statement per allocation."""

from __future__ import annotations

from framework_m_core.spi import RequestContext
from framework_m_standard.sql.store import SqlStore

__all__ = ["SqlCounter"]


class SqlCounter:
    """A counter whose allocations each commit by themselves."""

    def __init__(self, sql_store: SqlStore) -> None:
        self._store = sql_store
        self._allocate = sql_store.framework.allocate

    async def allocate(self, context: RequestContext, prefix: str, n: int = 1) -> int:
        """Reserve `n` numbers and return the first."""
        rows = await self._store.driver_for(context).write(self._allocate, (prefix, n))
        return int(rows[0][0]) - n + 1
