"""`MemoryConsumers`: port `ConsumersProtocol`. No method awaits, so each call is atomic."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from framework_m_core.spi import ConsumerState, DueEvent, Interest, ParkedEvent, Progress, SetAside, compute_latest_end
from framework_m_standard.memory.engine.database import ConsumerRecord
from framework_m_standard.memory.engine.store import MemoryStore
from framework_m_standard.memory.outbox import read_event

__all__ = ["MemoryConsumers"]


class MemoryConsumers:
    """The stored consumers of a store in memory."""

    def __init__(self, memory_store: MemoryStore) -> None:
        self._database = memory_store.database
        self._consumers = self._database.consumers

    async def register(self, interests: Mapping[str, Interest], now: datetime) -> None:
        """Store new consumers, which begin with the next event, or with all if they are the first."""
        start = self._database.last_position if self._consumers else 0
        for name, interest in interests.items():
            if (known := self._consumers.get(name)) is not None:
                known.interest = interest
            else:
                self._consumers[name] = ConsumerRecord(interest, start)

    async def read_interests(self) -> Mapping[str, Interest]:
        """Return the stored interests."""
        return {name: one.interest for name, one in self._consumers.items()}

    async def lease(self, name: str, holder: str, now: datetime, duration: timedelta) -> int | None:
        """Take a lease and return the cursor."""
        one = self._consumers.get(name)
        if one is None or (one.holder != holder and _is_leased(one, now, duration)):
            return None
        one.holder, one.expires = holder, now + duration
        return one.cursor

    async def renew(self, name: str, holder: str, now: datetime, duration: timedelta) -> bool:
        """Renew the lease if this holder has it."""
        one = self._consumers.get(name)
        if one is None or one.holder != holder:
            return False
        one.expires = now + duration
        return True

    async def release(self, name: str, holder: str) -> None:
        """Release the lease if this holder has it."""
        if (one := self._consumers.get(name)) is not None and one.holder == holder:
            one.holder = one.expires = None

    async def read_waiting(self, name: str) -> Sequence[tuple[int, str]]:
        """Return position and key of what is set aside and not parked."""
        return [(one.position, one.key) for one in self._waiting(name)]

    def _waiting(self, name: str) -> list[SetAside]:
        known = self._consumers.get(name)
        aside = known.aside.values() if known else ()
        return sorted((one for one in aside if not one.parked), key=lambda one: one.position)

    async def read_due(self, name: str, now: datetime, limit: int) -> Sequence[DueEvent]:
        """Return events set aside that are due, in order."""
        return list(self._due(name, now))[:limit]

    def _due(self, name: str, now: datetime) -> Iterator[DueEvent]:
        held_back: set[str] = set()
        for one in self._waiting(name):
            if one.key in held_back:
                continue
            if one.retry_at is not None and one.retry_at > now:
                held_back.add(one.key)
            else:
                yield DueEvent(read_event(self._database.events[one.position]), one.attempts)

    async def save(self, name: str, holder: str, progress: Progress) -> bool:
        """Save a step, if the holder has the lease."""
        one = self._consumers.get(name)
        if one is None or one.holder != holder:
            return False
        one.cursor = progress.cursor
        one.aside |= {aside.position: aside for aside in progress.set_aside}
        for position in progress.handled:
            one.aside.pop(position, None)
        return True

    async def read_states(self, now: datetime, duration: timedelta) -> Sequence[ConsumerState]:
        """Return the state of each consumer."""
        return [self._state(name, one, now, duration) for name, one in sorted(self._consumers.items())]

    def _state(self, name: str, one: ConsumerRecord, now: datetime, duration: timedelta) -> ConsumerState:
        waiting = [aside.position for aside in self._waiting(name)]
        ahead = range(one.cursor + 1, self._database.last_position + 1)
        events = [self._database.events[at].event for at in (*waiting, *ahead) if at in self._database.events]
        since = min((event.occurred_at for event in events), default=None)
        leased = one.holder is not None and _is_leased(one, now, duration)
        return ConsumerState(name, one.interest, one.cursor, leased, len(waiting), len(one.aside) - len(waiting), since)

    async def read_parked(self, name: str | None, limit: int) -> Sequence[ParkedEvent]:
        """Return parked events, the oldest first."""
        found = [
            ParkedEvent(consumer, read_event(self._database.events[aside.position]), aside.attempts, aside.error)
            for consumer, one in self._consumers.items()
            if name in (None, consumer)
            for aside in one.aside.values()
            if aside.parked
        ]
        return sorted(found, key=lambda one: (one.event.position, one.consumer))[:limit]

    async def retry(self, name: str, position: int | None = None) -> int:
        """Make events due that are parked or wait for their next attempt, and return their number."""
        known = self._consumers.get(name)
        aside = known.aside.values() if known else ()
        failed = [one for one in aside if one.parked or one.retry_at is not None]
        chosen = [one for one in failed if position in (None, one.position)]
        for one in chosen:
            known.aside[one.position] = dataclasses.replace(one, parked=False, attempts=0, retry_at=None)  # type: ignore[union-attr]
        return len(chosen)

    async def remove(self, name: str) -> bool:
        """Remove a consumer with its progress."""
        return self._consumers.pop(name, None) is not None


def _is_leased(one: ConsumerRecord, now: datetime, duration: timedelta) -> bool:
    return one.expires is not None and now < one.expires <= compute_latest_end(now, duration)
