"""`MemoryCounter`: port `CounterProtocol`."""

from __future__ import annotations

from framework_m_core.spi import RequestContext
from framework_m_standard.memory.engine.overlay import Overlay
from framework_m_standard.memory.engine.store import MemoryStore
from framework_m_standard.memory.engine.transaction import Transaction

__all__ = ["MemoryCounter", "increment"]


def increment(counters: Overlay[str, int], prefix: str, n: int) -> int:
    """Increase a counter by `n` and return the first of the new numbers."""
    last = counters.get(prefix) or 0
    counters.put(prefix, last + n)
    return last + 1


class MemoryCounter:
    """Counters, each allocation in its own turn, so that it waits for a unit that is allocating too."""

    def __init__(self, memory_store: MemoryStore) -> None:
        self._database = memory_store.database

    async def allocate(self, context: RequestContext, prefix: str, n: int = 1) -> int:
        """Reserve `n` numbers and return the first."""
        async with self._database.hold_turn():
            transaction = Transaction(self._database)
            first = increment(transaction.counters, prefix, n)
            transaction.apply()
        return first
