"""`MemoryDatabase`: everything one process stores, and the turn that writers wait for."""

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
    """An event in the outbox, its data as text, with the state of its delivery; replaced, never changed."""

    event: DomainEvent
    data: str
    published_at: datetime | None
    attempts: int = 0
    retry_at: datetime | None = None
    error: str | None = None
    given_up: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether it is still to be delivered."""
        return self.published_at is None and not self.given_up


@dataclass(frozen=True, slots=True)
class Lease:
    """Who delivers events, and until when."""

    holder: str
    expires: datetime


class MemoryDatabase:
    """What is committed. It lives as long as somebody holds it; all of its users share one event loop.

    One unit writes at a time: nothing deadlocks, constraints are checked against what no other unit is changing,
    and a change takes less time than keeping a lock for each row would. Readers never wait.
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
        """The audit log; it cannot be put in another's place."""
        return self._audit

    async def begin(self) -> None:
        """Waits for the turn to write. Raises TransientError when it does not come in time."""
        try:
            async with asyncio.timeout(self._lock_timeout):
                await self._turn.acquire()
        except TimeoutError:
            raise TransientError("another unit of work is taking long: try again") from None

    def end(self) -> None:
        """Lets the next writer begin."""
        self._turn.release()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The turn to write, for a change that is made at once."""
        await self.begin()
        try:
            yield
        finally:
            self.end()

    def append_event(self, record: EventRecord) -> None:
        """Puts an event at the end of the outbox."""
        self._last_position += 1
        self.place_event(self._last_position, record)

    def place_event(self, position: int, record: EventRecord) -> None:
        """Keeps an event where it belongs by the state of its delivery; one that waits is waiting already."""
        if record.is_waiting:
            self.waiting[position] = record
        else:
            self.waiting.pop(position, None)
            self.settled[position] = record
