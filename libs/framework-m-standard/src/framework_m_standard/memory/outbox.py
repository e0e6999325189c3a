"""`MemoryOutbox`: port `OutboxProtocol`. Units commit one at a time, so positions increase within a stream."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from framework_m_core.domain.hash_keys import HashKey, hash_key
from framework_m_core.interfaces.outbox import OutboxRow
from framework_m_standard.memory.engine.database import EventRecord, Lease
from framework_m_standard.memory.engine.rows import from_json
from framework_m_standard.memory.store import MemoryStore

__all__ = ["MemoryOutbox"]


class MemoryOutbox:
    """The relay's side of the outbox."""

    def __init__(self, memory_store: MemoryStore) -> None:
        self._database = memory_store.database

    async def lease(self, holder: str, now: datetime, duration: timedelta) -> bool:
        """Acquire or renew the relay's lease, and return whether the holder has it."""
        held = self._database.lease
        if held is not None and held.holder != holder and held.expires > now:
            return False
        self._database.lease = Lease(holder, now + duration)
        return True

    async def is_leased(self, now: datetime) -> bool:
        """Return whether any holder has the lease."""
        held = self._database.lease
        return held is not None and held.expires > now

    async def release(self, holder: str) -> None:
        """Release the lease if this holder has it."""
        held = self._database.lease
        if held is not None and held.holder == holder:
            self._database.lease = None

    async def pending(self, now: datetime, limit: int) -> Sequence[OutboxRow]:
        """Return due undelivered events, in order; an event waiting for a retry holds back its document's others."""
        return [_row(position, record) for position, record in islice(self._due(now), limit)]

    async def mark_published(self, positions: Sequence[int], now: datetime) -> None:
        """Mark events as delivered."""
        for position in positions:
            if record := self._database.waiting.get(position):
                self._database.place_event(position, dataclasses.replace(record, published_at=now))

    async def mark_failed(self, position: int, error: str, retry_at: datetime | None) -> None:
        """Count a failed delivery; without `retry_at`, give the event up."""
        if record := self._database.waiting.get(position):
            failed = dataclasses.replace(
                record,
                attempts=record.attempts + 1,
                error=error[:1000],
                retry_at=retry_at,
                given_up=retry_at is None,
            )
            self._database.place_event(position, failed)

    async def prune(self, before: datetime) -> int:
        """Delete events delivered before a time and return their number."""
        settled = self._database.settled
        old = [at for at, one in settled.items() if one.published_at is not None and one.published_at < before]
        for position in old:
            del settled[position]
        return len(old)

    def _due(self, now: datetime) -> Iterator[tuple[int, EventRecord]]:
        held_back: set[HashKey] = set()
        for position, record in self._database.waiting.items():
            document = hash_key(record.event.document_id)
            if document in held_back:
                continue
            if record.retry_at is not None and record.retry_at > now:
                held_back.add(document)
            else:
                yield position, record


def _row(position: int, record: EventRecord) -> OutboxRow:
    return OutboxRow(position, dataclasses.replace(record.event, data=from_json(record.data)), record.attempts)
