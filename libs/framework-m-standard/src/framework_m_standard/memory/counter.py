"""`MemoryCounter`: port `CounterProtocol`."""

from __future__ import annotations

from framework_m_standard.memory.engine.overlay import Overlay
from framework_m_standard.memory.engine.transaction import Transaction
from framework_m_standard.memory.store import MemoryStore

__all__ = ["MemoryCounter", "raised"]


def raised(counters: Overlay[str, int], prefix: str, n: int) -> int:
    """Raises a counter by `n` and returns the first of its new numbers."""
    last = counters.get(prefix) or 0
    counters.put(prefix, last + n)
    return last + 1


class MemoryCounter:
    """Each allocation is a turn of its own, so that it waits for a unit that allocates as well."""

    def __init__(self, memory_store: MemoryStore) -> None:
        self._database = memory_store.database

    async def allocate(self, prefix: str, n: int = 1) -> int:
        """Reserves `n` numbers and returns the first."""
        async with self._database.turn():
            transaction = Transaction(self._database)
            first = raised(transaction.counters, prefix, n)
            transaction.apply()
        return first
