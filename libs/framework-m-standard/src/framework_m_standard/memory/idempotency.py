"""`MemoryIdempotency`: port `IdempotencyProtocol`."""

from __future__ import annotations

from datetime import datetime

from framework_m_core.domain.context import RequestContext
from framework_m_core.interfaces.idempotency import StoredAnswer
from framework_m_standard.memory.engine.store import MemoryStore

__all__ = ["MemoryIdempotency"]


class MemoryIdempotency:
    """Stored responses by key; they are immutable."""

    def __init__(self, memory_store: MemoryStore) -> None:
        self._answers = memory_store.database.answers

    async def find(self, context: RequestContext, key: str) -> StoredAnswer | None:
        """Return the response stored under a key, unless it has expired."""
        answer = self._answers.get(key)
        return answer if answer is not None and answer.expires > context.clock() else None

    async def prune(self, now: datetime) -> int:
        """Delete expired responses and return their number."""
        over = [key for key, answer in self._answers.items() if answer.expires <= now]
        for key in over:
            del self._answers[key]
        return len(over)
