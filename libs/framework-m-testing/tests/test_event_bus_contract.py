"""The contract of buses holds for one that keeps what is published, as brokers do, and not for one that cancels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import pytest

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.events import AnyEvent
from framework_m_core.interfaces.event_bus import Delivery, Subscriber
from framework_m_testing.contracts.event_bus import EventBusContract

PAUSE = 0.005


class KeepingBus:
    """Takes a batch at once and settles it; each group is fed by a task of its own, again where it fails."""

    def __init__(self) -> None:
        self.kept: dict[str, list[AnyEvent]] = {}
        self._feeds: dict[str, asyncio.Task[None]] = {}

    async def publish(self, events: Sequence[AnyEvent]) -> AsyncGenerator[Delivery, None]:
        for waiting in self.kept.values():
            waiting.extend(events)
        for event in events:
            yield Delivery(event.id)

    async def subscribe(self, group: str, subscriber: Subscriber) -> None:
        if group in self._feeds:
            raise ConfigurationError(f"the group {group!r} has a subscriber")
        self._feeds[group] = asyncio.create_task(self._feed(group, subscriber))
        self.kept.setdefault(group, [])

    @property
    def has_subscribers(self) -> bool:
        return bool(self._feeds)

    async def unsubscribe(self, group: str) -> None:
        if feed := self._feeds.pop(group, None):
            await feed

    async def _feed(self, group: str, subscriber: Subscriber) -> None:
        mine = asyncio.current_task()
        while self._feeds.get(group) is mine:
            held_back: set[str] = set()
            for event in tuple(self.kept[group]):
                if event.key in held_back or self._feeds.get(group) is not mine:
                    continue
                try:
                    await subscriber(event)
                    self.kept[group].remove(event)
                except ZeroDivisionError:
                    held_back.add(event.key)
            await asyncio.sleep(PAUSE)


class TestKeepingBus(EventBusContract):
    @pytest.fixture
    async def event_bus(self) -> AsyncIterator[KeepingBus]:
        bus = KeepingBus()
        yield bus
        for group in tuple(bus.kept):
            await bus.unsubscribe(group)


class CancellingBus(KeepingBus):
    """Ends its subscribers in the middle of an event."""

    async def unsubscribe(self, group: str) -> None:
        if feed := self._feeds.pop(group, None):
            feed.cancel()
            await asyncio.gather(feed, return_exceptions=True)


async def test_a_bus_that_cancels_its_subscriber_breaks_the_contract() -> None:
    with pytest.raises(AssertionError):
        await EventBusContract().test_unsubscribe_waits_for_the_event_that_is_being_handled(CancellingBus())
