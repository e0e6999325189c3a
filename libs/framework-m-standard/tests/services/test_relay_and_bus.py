"""The relay from each store to a bus: every event is published, in order, and what is old is pruned."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.domain.clock import Clock, system_clock
from framework_m_core.domain.errors import TransientError
from framework_m_core.domain.events import AnyEvent, Interest
from framework_m_core.interfaces.consumers import Progress
from framework_m_core.interfaces.event_bus import Delivery, Subscriber
from framework_m_core.registry.events.consumers import BUS
from framework_m_core.services.events import runner as runner_module
from framework_m_core.services.events.progress import MAX_ATTEMPTS
from framework_m_core.services.events.relay import OutboxRelay
from framework_m_core.services.events.runner import LEASE

from .wiring import Wired


class Bus:
    """An event bus that accepts every event but those in `refused`, and none while it `is_away`."""

    def __init__(self) -> None:
        self.published: list[UUID] = []
        self.refused: set[UUID] = set()
        self.is_away = False
        self.has_subscribers = True

    async def publish(self, events: Sequence[AnyEvent]) -> AsyncGenerator[Delivery, None]:
        if self.is_away:
            raise TransientError("the broker is away")
        for event in events:
            self.published.append(event.id)
            yield Delivery(event.id, OSError("refused") if event.id in self.refused else None)

    async def subscribe(self, group: str, subscriber: Subscriber) -> None:
        """Its subscribers are elsewhere."""

    async def unsubscribe(self, group: str) -> None:
        """Nobody is subscribed here."""


@pytest.fixture
def bus() -> Bus:
    """A bus that settles everything."""
    return Bus()


@pytest.fixture
def relay(shop: Wired, bus: Bus) -> OutboxRelay:
    """A relay from the store to the bus."""
    return _relay(shop, bus, system_clock)


def _relay(shop: Wired, bus: Bus, clock: Clock) -> OutboxRelay:
    store = shop.adapters
    return OutboxRelay(
        store.registries, store.outbox, store.consumers, bus, store.idempotency, clock, timedelta(days=7)
    )


async def _left(shop: Wired, in_seconds: float = 0) -> list[tuple[UUID, int, int]]:
    """Document, version and failed deliveries of what the bus is yet to get."""
    at = system_clock() + timedelta(seconds=in_seconds)
    (state,) = await shop.adapters.consumers.states(at, LEASE)
    due = await shop.adapters.consumers.due(BUS, at, 1000)
    ahead = (await shop.adapters.outbox.read(state.cursor, 1000, lambda _: True)).events
    found = [(one.event, one.attempts) for one in due] + [(event, 0) for event in ahead]
    return [(event.document_id, event.version, attempts) for event, attempts in found]


async def test_every_event_is_published_those_of_a_document_in_order(shop: Wired, bus: Bus, relay: OutboxRelay) -> None:
    """Also one that no handler asks for."""
    note = await shop.create("Note")
    for number in range(3):
        await shop.documents.update(shop.adapters.context, "Note", note["id"], {"number": number + 1})
    expected = [event.id for event in await shop.events(note["id"])]
    unhandled = await shop.create("Shelf", label="x") if "Shelf" in shop.adapters.registry.doctypes else None
    assert await relay.work() == 4 + (unhandled is not None)
    assert [id for id in bus.published if id in expected] == expected
    assert await _left(shop) == []


async def test_a_bus_that_nobody_listens_to_is_no_consumer(shop: Wired, bus: Bus, relay: OutboxRelay) -> None:
    bus.has_subscribers = False
    await shop.create("Note")
    assert await relay.work() == 0
    assert list(await shop.adapters.consumers.states(system_clock(), LEASE)) == []
    bus.has_subscribers = True
    assert await relay.work() == 1


async def test_a_bus_that_is_away_costs_no_attempt(shop: Wired, bus: Bus, relay: OutboxRelay) -> None:
    """However long: more often than an event may fail, and then everything is delivered."""
    bus.is_away = True
    await shop.create("Note")
    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(ConsumerUnavailableError, match="the broker is away"):
            await relay.work()
    assert [attempts for _, _, attempts in await _left(shop)] == [0]
    bus.is_away = False
    assert await relay.work() == 1
    assert await _left(shop) == []


async def test_what_the_bus_refuses_is_counted_and_holds_back_its_own_document(
    shop: Wired, bus: Bus, relay: OutboxRelay
) -> None:
    refused, settled = [await shop.create("Note", text=text) for text in ("a", "b")]
    await shop.documents.update(shop.adapters.context, "Note", refused["id"], {"number": 1})
    first, second = await shop.events(refused["id"])
    bus.refused = {first.id}
    await relay.work()
    assert await _left(shop) == []
    assert await _left(shop, in_seconds=60) == [(refused["id"], 1, 1), (refused["id"], 2, 0)]
    bus.refused = set()
    (other,) = await shop.events(settled["id"])
    assert sorted(bus.published) == sorted([first.id, other.id])
    await _relay(shop, bus, lambda: system_clock() + timedelta(minutes=1)).work()
    assert bus.published[2:] == [first.id, second.id]


async def test_a_relay_that_has_lost_its_lease_closes_the_bus(
    shop: Wired, bus: Bus, relay: OutboxRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And publishes nothing more."""
    for _ in range(40):
        await shop.create("Note")
    begun, closed = asyncio.Event(), 0

    async def slowly(events: Sequence[AnyEvent]) -> AsyncGenerator[Delivery, None]:
        nonlocal closed
        begun.set()
        try:
            await asyncio.sleep(30)
            yield Delivery(events[0].id)
        finally:
            closed += 1

    monkeypatch.setattr(runner_module, "_RENEW_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(bus, "publish", slowly)
    working = asyncio.create_task(relay.work())
    await begun.wait()
    later = system_clock() + 2 * LEASE
    assert await shop.adapters.consumers.lease(BUS, "another", later, LEASE) is not None
    assert await asyncio.wait_for(working, 10) == 0
    assert 0 < closed < 40
    assert len(await _left(shop)) == 40


async def test_old_events_are_pruned_by_the_relay_alone_once_all_have_passed(shop: Wired, bus: Bus) -> None:
    now = system_clock()
    await shop.adapters.consumers.register({"other": Interest(["*"])}, now)
    await shop.create("Note")
    late = _relay(shop, bus, lambda: now + timedelta(days=8))
    await late.work()
    (event,) = (await shop.adapters.outbox.read(0, 10, lambda _: True)).events
    assert await shop.adapters.consumers.lease("other", "a", now, LEASE) is not None
    await shop.adapters.consumers.save("other", "a", Progress(event.position))
    await _relay(shop, bus, lambda: now + timedelta(days=6)).work()
    assert len((await shop.adapters.outbox.read(0, 10, lambda _: True)).events) == 1
    await _relay(shop, bus, lambda: now + timedelta(days=8)).work()
    assert list((await shop.adapters.outbox.read(0, 10, lambda _: True)).events) == []
