"""`Lanes`: events on their way to a consumer, those of one key in order, those of several keys at a time."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from framework_m_core.domain.events import StoredEvent

__all__ = ["DeliveryResult", "Entry", "InFlight", "Lanes"]

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Entry:
    """An event on its way: its failed deliveries, since when it is here, and whether the store has it set aside."""

    event: StoredEvent
    attempts: int
    since: datetime
    is_set_aside: bool


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What became of an entry: handled, failed with an error, or held back by one of its key that failed."""

    entry: Entry
    error: Exception | None = None
    held_back: bool = False


class InFlight(ABC):
    """Entries on their way, and what became of others."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcomes: list[DeliveryResult] = []
        self._closed = False
        self.open: dict[int, Entry] = {}
        """Entries without an outcome, by position."""
        self.changed = asyncio.Event()
        """Set when there is an outcome."""

    @abstractmethod
    def put(self, entry: Entry) -> None:
        """Send an entry on its way, behind those of its key."""

    @property
    def has_outcomes(self) -> bool:
        """Whether there is an outcome that has not been taken."""
        return bool(self._outcomes)

    def take(self) -> list[DeliveryResult]:
        """Return the outcomes since the last call."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def halt(self) -> None:
        """Begin nothing more."""
        self._closed = True

    async def close(self, timeout_seconds: float) -> None:
        """Begin nothing more, and wait for what is being delivered; cut off what takes longer."""
        self.halt()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _settle(self, outcome: DeliveryResult) -> None:
        del self.open[outcome.entry.event.position]
        self._outcomes.append(outcome)
        self.changed.set()


class Lanes(InFlight):
    """One task per key while it has entries; at most `width` deliver at once."""

    def __init__(self, deliver: Callable[[StoredEvent], Awaitable[None]], width: int) -> None:
        super().__init__()
        self._deliver = deliver
        self._places = asyncio.Semaphore(width)
        self._queues: dict[str, deque[Entry]] = {}

    def put(self, entry: Entry) -> None:
        """Add an entry at the end of its key's lane."""
        self.open[entry.event.position] = entry
        key = entry.event.key
        if (queue := self._queues.get(key)) is not None:
            queue.append(entry)
            return
        self._queues[key] = queue = deque((entry,))
        self._start(self._run(key, queue), f"events of {key}")

    async def _run(self, key: str, queue: deque[Entry]) -> None:
        try:
            while queue:
                async with self._places:
                    if self._closed:
                        return
                    entry = queue.popleft()
                    error = await self._attempt(entry.event)
                self._settle(DeliveryResult(entry, error))
                if error is not None:
                    for following in queue:
                        self._settle(DeliveryResult(following, held_back=True))
                    return
        finally:
            del self._queues[key]

    async def _attempt(self, event: StoredEvent) -> Exception | None:
        try:
            await self._deliver(event)
        except asyncio.CancelledError:
            _log.info("the handler of event %s, %s, is cut off: it will be delivered again", event.id, event.topic)
            raise
        except Exception as error:
            return error
        return None
