"""`Batches`: events on their way to a consumer that takes many at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final
from uuid import UUID

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.domain.events import StoredEvent
from framework_m_core.domain.hash_keys import hash_key
from framework_m_core.services.events.lanes import DeliveryResult, Entry, InFlight

__all__ = ["MAX_BATCH", "Batches", "Deliver"]

MAX_BATCH: Final = 100

type Deliver = Callable[[Sequence[StoredEvent]], AsyncGenerator[tuple[UUID, Exception | None], None]]
"""Yields id and error of each event once it is settled; after an error, none of the later ones of its key."""


class Batches(InFlight):
    """One batch at a time, of what has been put since the last one began."""

    def __init__(self, deliver: Deliver) -> None:
        super().__init__()
        self._deliver = deliver
        self._queue: deque[Entry] = deque()
        self._runs = False

    def put(self, entry: Entry) -> None:
        """Add an entry to the next batch that has room."""
        self.open[entry.event.position] = entry
        self._queue.append(entry)
        if not self._runs:
            self._runs = True
            self._start(self._run(), "batches of events")

    async def _run(self) -> None:
        try:
            while self._queue and not self._closed:
                size = min(len(self._queue), MAX_BATCH)
                failed = set[str]()
                await self._send([self._queue.popleft() for _ in range(size)], failed)
                self._hold_back(failed)
        finally:
            self._runs = False

    def _hold_back(self, keys: set[str]) -> None:
        """Settle the entries of these keys that were put while their batch was delivered."""
        queue, self._queue = self._queue, deque[Entry]()
        for entry in queue:
            if entry.event.key in keys:
                self._settle(DeliveryResult(entry, held_back=True))
            else:
                self._queue.append(entry)

    async def _send(self, batch: Sequence[Entry], failed: set[str]) -> Exception | None:
        """Deliver a batch, add the keys whose events are to come again to `failed`, and return the batch's own error.

        After one, its events are sent one at a time, so that it is charged to the one that causes it; not in an outage.
        """
        error = await self._attempt(batch, failed)
        left = [entry for entry in batch if entry.event.position in self.open]
        if self._closed and error is None:
            return None
        if error is not None and len(batch) > 1 and not isinstance(error, ConsumerUnavailableError):
            return await self._send_each(left, failed)
        for entry in left:
            is_first = error is not None and entry.event.key not in failed
            self._settle(DeliveryResult(entry, error) if is_first else DeliveryResult(entry, held_back=True))
            failed.add(entry.event.key)
        return error

    async def _send_each(self, entries: Sequence[Entry], failed: set[str]) -> Exception | None:
        """Send entries one at a time until there is an outage, the later ones of a failed key held back."""
        error: Exception | None = None
        for entry in entries:
            if self._closed or isinstance(error, ConsumerUnavailableError) or entry.event.key in failed:
                self._settle(DeliveryResult(entry, held_back=True))
                failed.add(entry.event.key)
            else:
                error = await self._send([entry], failed)
        return error

    async def _attempt(self, batch: Sequence[Entry], failed: set[str]) -> Exception | None:
        """Deliver a batch, settling each event that is delivered or fails, and return the error of the whole."""
        left = {hash_key(entry.event.id): entry for entry in batch}
        try:
            async with aclosing(self._deliver([entry.event for entry in batch])) as deliveries:
                async for id, error in deliveries:
                    entry = left.pop(hash_key(id))
                    self._settle(DeliveryResult(entry, error))
                    if error is not None:
                        failed.add(entry.event.key)
                    if self._closed:
                        return None
        except Exception as error:
            return error
        return None
