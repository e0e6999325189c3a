"""`MemoryDatabase`: all data that a process stores, and the turn that writers wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from framework_m_core.domain.errors import TransientError
from framework_m_core.domain.events import DomainEvent
from framework_m_core.interfaces.idempotency import StoredAnswer
from framework_m_standard.memory.engine.audit_trail import AuditTrail
from framework_m_standard.memory.engine.table import Table

__all__ = ["EventRecord", "Lease", "MemoryDatabase"]


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event in the outbox, with its data as text and its delivery state; replaced, never mutated."""

    event: DomainEvent
    data: str
    published_at: datetime | None
    attempts: int = 0
    retry_at: datetime | None = None
    error: str | None = None
    given_up: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether the event is still to be delivered."""
        return self.published_at is None and not self.given_up


@dataclass(frozen=True, slots=True)
class Lease:
    """The relay that may deliver events, and the end of its lease."""

    holder: str
    expires: datetime


class MemoryDatabase:
    """Committed data, kept only as long as the object is referenced; all of its users share one event loop.

    One unit writes at a time: nothing deadlocks, constraints are checked against data that no other unit is changing,
    and a change takes less time than locking each row would. Readers never wait.
    """

    def __init__(self, lock_timeout: float = 10.0) -> None:
        self.tables: dict[str, Table] = {}
        self.waiting: dict[int, EventRecord] = {}
        self.settled: dict[int, EventRecord] = {}
        self.answers: dict[str, StoredAnswer] = {}
        self.counters: dict[str, int] = {}
        self.lease: Lease | None = None
        self.generation = 0
        self._audit = AuditTrail()
        self._lock_timeout = lock_timeout
        self._turn = asyncio.Lock()
        self._last_position = 0

    @property
    def audit(self) -> AuditTrail:
        """The audit log; it cannot be replaced."""
        return self._audit

    async def begin(self) -> None:
        """Wait for the turn to write. Raises TransientError if it does not come in time."""
        try:
            async with asyncio.timeout(self._lock_timeout):
                await self._turn.acquire()
        except TimeoutError:
            raise TransientError("another unit of work is taking long: try again") from None

    def end(self) -> None:
        """Release the turn to the next writer."""
        self._turn.release()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the turn to write for a single change. Raises as `begin` does."""
        await self.begin()
        try:
            yield
        finally:
            self.end()

    def append_event(self, record: EventRecord) -> None:
        """Append an event to the outbox."""
        self._last_position += 1
        self.place_event(self._last_position, record)

    def place_event(self, position: int, record: EventRecord) -> None:
        """Store an event as waiting or settled, by its delivery state; updating a waiting event keeps its place."""
        if record.is_waiting:
            self.waiting[position] = record
        else:
            self.waiting.pop(position, None)
            self.settled[position] = record
