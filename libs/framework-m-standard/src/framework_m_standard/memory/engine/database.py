"""`MemoryDatabase`: all data that a process stores, and the turn that writers wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from framework_m_core.spi import AnyEvent, Interest, SetAside, StoredEvent, StoredResponse, TransientError
from framework_m_standard.memory.engine.audit_trail import AuditTrail
from framework_m_standard.memory.engine.table import Table

__all__ = ["ConsumerRecord", "EventRecord", "MemoryDatabase"]


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event in the outbox, with its data as text."""

    event: StoredEvent
    data: str


@dataclass(slots=True)
class ConsumerRecord:
    """A stored consumer: its interest, cursor and lease, and what it has set aside, by position."""

    interest: Interest
    cursor: int
    holder: str | None = None
    expires: datetime | None = None
    aside: dict[int, SetAside] = field(default_factory=dict)


class MemoryDatabase:
    """Committed data, kept only as long as the object is referenced; all of its users share one event loop.

    One unit writes at a time: nothing deadlocks, constraints are checked against data that no other unit is changing,
    and a change takes less time than locking each row would. Readers never wait.
    """

    def __init__(self, lock_timeout: float = 10.0) -> None:
        self.tables: dict[str, Table] = {}
        self.events: dict[int, EventRecord] = {}
        self.consumers: dict[str, ConsumerRecord] = {}
        self.responses: dict[str, StoredResponse] = {}
        self.counters: dict[str, int] = {}
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
            raise TransientError(
                "expected the turn to write in time, but another unit of work is still open: try again"
            ) from None

    def end(self) -> None:
        """Release the turn to the next writer."""
        self._turn.release()

    @asynccontextmanager
    async def hold_turn(self) -> AsyncIterator[None]:
        """Hold the turn to write for a single change. Raises as `begin` does."""
        await self.begin()
        try:
            yield
        finally:
            self.end()

    @property
    def last_position(self) -> int:
        """The position of the newest event that was ever stored."""
        return self._last_position

    def append_event(self, event: AnyEvent, data: str) -> None:
        """Append an event to the outbox."""
        self._last_position += 1
        values = {name: getattr(event, name) for name in _ENVELOPE}
        stored = StoredEvent(position=self._last_position, data=_ELSEWHERE, **values)
        self.events[self._last_position] = EventRecord(stored, data)


_ELSEWHERE: Final = MappingProxyType[str, Any]({})
_ENVELOPE: Final = tuple(one.name for one in fields(StoredEvent) if one.name not in {"position", "data"})
