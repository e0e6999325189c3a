"""`Lanes`: events on their way to a consumer, those of one key in order, those of several keys at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from framework_m_core.domain.events import StoredEvent

__all__ = ["Entry", "Lanes", "Outcome"]


@dataclass(slots=True, eq=False)
class Entry:
    """An event on its way: its failed deliveries, since when it is here, and whether the store has it set aside."""

    event: StoredEvent
    attempts: int
    since: datetime
    aside: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an entry: handled, failed with an error, or held back by one of its key that failed."""

    entry: Entry
    error: Exception | None = None
    held_back: bool = False


class Lanes:
    """One task per key while it has entries; at most `width` deliver at once."""

    def __init__(self, deliver: Callable[[StoredEvent], Awaitable[None]], width: int) -> None:
        self._deliver = deliver
        self._places = asyncio.Semaphore(width)
        self._queues: dict[str, deque[Entry]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcomes: list[Outcome] = []
        self._closed = False
        self.open: dict[int, Entry] = {}
        """Entries without an outcome, by position."""
        self.changed = asyncio.Event()
        """Set when there is an outcome."""

    def put(self, entry: Entry) -> None:
        """Add an entry at the end of its key's lane."""
        self.open[entry.event.position] = entry
        key = entry.event.key
        if (queue := self._queues.get(key)) is not None:
            queue.append(entry)
            return
        self._queues[key] = queue = deque((entry,))
        task = asyncio.create_task(self._run(key, queue), name=f"events of {key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def has_outcomes(self) -> bool:
        """Whether there is an outcome that has not been taken."""
        return bool(self._outcomes)

    def take(self) -> list[Outcome]:
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

    async def _run(self, key: str, queue: deque[Entry]) -> None:
        try:
            while queue:
                async with self._places:
                    if self._closed:
                        return
                    entry = queue.popleft()
                    error = await self._attempt(entry.event)
                self._settle(Outcome(entry, error))
                if error is not None:
                    for following in queue:
                        self._settle(Outcome(following, held_back=True))
                    return
        finally:
            del self._queues[key]

    async def _attempt(self, event: StoredEvent) -> Exception | None:
        try:
            await self._deliver(event)
        except Exception as error:
            return error
        return None

    def _settle(self, outcome: Outcome) -> None:
        del self.open[outcome.entry.event.position]
        self._outcomes.append(outcome)
        self.changed.set()
