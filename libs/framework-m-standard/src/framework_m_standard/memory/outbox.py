"""`MemoryOutbox`: port `OutboxProtocol`. Units commit one at a time, so events appear in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice

from framework_m_core.spi import EventBatch, StoredEvent
from framework_m_standard.memory.engine.database import EventRecord, MemoryDatabase
from framework_m_standard.memory.engine.rows import parse_json
from framework_m_standard.memory.engine.store import MemoryStore

__all__ = ["MemoryOutbox", "read_event"]


def read_event(record: EventRecord) -> StoredEvent:
    """Return a stored event with its data."""
    return dataclasses.replace(record.event, data=parse_json(record.data))


class MemoryOutbox:
    """The events of a store in memory."""

    def __init__(self, memory_store: MemoryStore) -> None:
        self._database = memory_store.database

    async def read(self, after: int, limit: int, wanted: Callable[[str], bool]) -> EventBatch:
        """Return the wanted events after a position, of `limit` events."""
        rows = list(islice(_after(self._database, after), limit))
        events = [read_event(row) for row in rows if wanted(row.event.topic)]
        return EventBatch(events, rows[-1].event.position if rows else after, len(rows) == limit)

    async def prune(self, before: datetime) -> int:
        """Delete old events that all consumers have passed, and return their number."""
        consumers = self._database.consumers.values()
        lowest = min((one.cursor for one in consumers), default=self._database.last_position)
        kept = {position for one in consumers for position in one.aside}
        old = [
            position
            for position, row in self._database.events.items()
            if position <= lowest and row.event.occurred_at < before and position not in kept
        ]
        for position in old:
            del self._database.events[position]
        return len(old)


def _after(database: MemoryDatabase, position: int) -> Iterator[EventRecord]:
    """Yield the events after a position; pruning leaves gaps, but few."""
    for at in range(position + 1, database.last_position + 1):
        if (found := database.events.get(at)) is not None:
            yield found
