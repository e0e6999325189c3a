"""`MemoryEventBus`: port `EventBusProtocol` in one process. What is not handled stays in the outbox."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from framework_m_core.spi import (
    AnyEvent,
    Clock,
    ConfigurationError,
    Delivery,
    HashKey,
    Interest,
    ParkedDelivery,
    Subscriber,
    TransientError,
    check_group,
    hash_key,
    system_clock,
)

__all__ = ["MemoryEventBus"]

_MAX_ATTEMPTS: Final = 10
_MAX_KEPT: Final = 1000
"""The most events kept for `replay`, and the most that one group can have parked."""

_MAX_UNSETTLED: Final = 10_000


@dataclass(slots=True)
class _Group:
    """A subscribed group."""

    subscriber: Subscriber
    interest: Interest


@dataclass(slots=True)
class _Unsettled:
    """What is known of an event that some group could not handle: who has, and how often each of the others failed."""

    handled: set[str] = field(default_factory=set)
    failures: dict[str, int] = field(default_factory=dict)


type _Parked = OrderedDict[HashKey, tuple[AnyEvent, ParkedDelivery]]


class MemoryEventBus:
    """A bus that handles events when they are published, one at a time, by each group in order of subscription."""

    def __init__(self, clock: Clock = system_clock, max_attempts: int = _MAX_ATTEMPTS) -> None:
        self._clock = clock
        self._max_attempts = max_attempts
        self._groups: dict[str, _Group] = {}
        self._parked: dict[str, _Parked] = {}
        self._unsettled: OrderedDict[HashKey, _Unsettled] = OrderedDict()
        self._kept: deque[tuple[datetime, AnyEvent]] = deque(maxlen=_MAX_KEPT)
        self._turn = asyncio.Lock()

    @property
    def has_subscribers(self) -> bool:
        """Whether a group is subscribed in this process."""
        return bool(self._groups)

    async def publish(self, events: Sequence[AnyEvent]) -> AsyncGenerator[Delivery, None]:
        """Deliver each event when its delivery is requested. Raises TransientError if there is no subscriber.

        After an error, further events of the same key are skipped.
        """
        held_back: set[str] = set()
        for event in events:
            if event.key not in held_back:
                error = await self._deliver(event)
                if error is not None:
                    held_back.add(event.key)
                yield Delivery(event.id, error)

    async def subscribe(self, group: str, subscriber: Subscriber, *patterns: str) -> None:
        """Subscribe a group. Raises ConfigurationError if the group already has a subscriber."""
        interest = check_group(group, patterns)
        if group in self._groups:
            raise ConfigurationError(
                f"expected a group without a subscriber in this process, got {group!r}: choose another name"
            )
        self._groups[group] = _Group(subscriber, interest)

    async def unsubscribe(self, group: str) -> None:
        """Remove a group's subscriber once the current event has been handled."""
        async with self._turn:
            self._groups.pop(group, None)

    async def replay(self, group: str, since: datetime) -> None:
        """Deliver the kept events published since a time to a group; one that fails is parked at once."""
        async with self._turn:
            for published, event in tuple(self._kept):
                if published >= since and group in self._groups:
                    await self._once_more(group, event, 1)

    async def read_parked(self, group: str, limit: int = 100) -> Sequence[ParkedDelivery]:
        """Return parked events of a group, the oldest first."""
        return [delivery for _, delivery in self._parked.get(group, {}).values()][:limit]

    async def retry(self, group: str, event_id: UUID | None = None) -> int:
        """Deliver parked events of a group, or one of them, once more; return their number."""
        async with self._turn:
            parked = self._parked.get(group, OrderedDict())
            chosen = [*parked] if event_id is None else [key for key in [hash_key(event_id)] if key in parked]
            if group not in self._groups:
                return 0
            for key in chosen:
                event, delivery = parked.pop(key)
                await self._once_more(group, event, delivery.attempts + 1)
            return len(chosen)

    async def drop(self, group: str, event_id: UUID | None = None) -> int:
        """Forget parked events of a group, or one of them; return their number."""
        async with self._turn:
            parked = self._parked.get(group, OrderedDict())
            chosen = [*parked] if event_id is None else [key for key in [hash_key(event_id)] if key in parked]
            for key in chosen:
                del parked[key]
            return len(chosen)

    async def remove(self, group: str) -> None:
        """Forget what a group has parked."""
        if group in self._groups:
            raise ConfigurationError(f"expected a group without a subscriber, got {group!r}: unsubscribe it first")
        self._parked.pop(group, None)

    async def _deliver(self, event: AnyEvent) -> Exception | None:
        """Let every group that wants an event and has not handled it do so, and return the error, if any."""
        async with self._turn:
            if not self._groups:
                raise TransientError("the event bus of this process has no subscriber: events stay in the outbox")
            key = hash_key(event.id)
            known = self._unsettled.pop(key, None) or _Unsettled()
            if not (known.handled or known.failures):
                self._kept.append((self._clock(), event))
            errors = [error for group in tuple(self._groups) if (error := await self._try(group, event, known))]
            if errors:
                self._unsettled[key] = known
                if len(self._unsettled) > _MAX_UNSETTLED:
                    self._unsettled.popitem(last=False)
        if len(errors) > 1:
            return ExceptionGroup("several groups failed", errors)
        return errors[0] if errors else None

    async def _try(self, name: str, event: AnyEvent, known: _Unsettled) -> Exception | None:
        """Let a group handle an event; return its error unless it has failed so often that the event is parked."""
        group = self._groups.get(name)
        if group is None or name in known.handled or not group.interest.covers(event.topic):
            return None
        try:
            await group.subscriber(event)
        except Exception as error:
            attempts = known.failures[name] = known.failures.get(name, 0) + 1
            if attempts < self._max_attempts or not self._park(name, event, attempts, error):
                return error
        known.handled.add(name)
        return None

    async def _once_more(self, name: str, event: AnyEvent, attempts: int) -> None:
        group = self._groups[name]
        if group.interest.covers(event.topic):
            try:
                await group.subscriber(event)
            except Exception as error:
                self._park(name, event, attempts, error)

    def _park(self, name: str, event: AnyEvent, attempts: int, error: Exception) -> bool:
        """Park an event for a group; return False if the group has too many parked already."""
        parked = self._parked.setdefault(name, OrderedDict())
        if len(parked) >= _MAX_KEPT:
            return False
        text = f"{type(error).__name__}: {error}"
        delivery = ParkedDelivery(event.id, event.topic, event.key, attempts, text, self._clock())
        parked[hash_key(event.id)] = event, delivery
        return True
