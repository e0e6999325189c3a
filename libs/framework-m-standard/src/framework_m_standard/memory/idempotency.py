"""`MemoryIdempotency`: port `IdempotencyProtocol`."""

from __future__ import annotations

from datetime import datetime

from framework_m_core.spi import RequestContext, StoredResponse
from framework_m_standard.memory.engine.store import MemoryStore

__all__ = ["MemoryIdempotency"]


class MemoryIdempotency:
    """Stored responses by key; they are immutable."""

    def __init__(self, memory_store: MemoryStore) -> None:
        self._responses = memory_store.database.responses

    async def find(self, context: RequestContext, key: str) -> StoredResponse | None:
        """Return the response stored under a key, unless it has expired."""
        response = self._responses.get(key)
        return response if response is not None and response.expires > context.clock() else None

    async def prune(self, now: datetime) -> int:
        """Delete expired responses and return their number."""
        over = [key for key, response in self._responses.items() if response.expires <= now]
        for key in over:
            del self._responses[key]
        return len(over)
