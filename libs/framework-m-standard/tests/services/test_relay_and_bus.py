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
from framework_m_core.domain.events import AnyEvent, Interest, StoredEvent
from framework_m_core.interfaces.consumers import Progress
from framework_m_core.interfaces.event_bus import Delivery
from framework_m_core.registry.consumers import BUS
from framework_m_core.registry.registry import Registry
from framework_m_core.services.events import relay as relay_module
from framework_m_core.services.events import turn as turn_module
from framework_m_core.services.events.batches import MAX_BATCH
from framework_m_core.services.events.dispatch import restore_event
from framework_m_core.services.events.limits import EventLimits
from framework_m_core.services.events.progress import MAX_ATTEMPTS
from framework_m_core.services.events.registration import ConsumerRegistration
from framework_m_core.services.events.relay import OutboxRelay
from framework_m_core.services.events.turn import LEASE
from framework_m_standard.memory.event_bus import MemoryEventBus
from framework_m_testing.deliveries import drain, drain_all

from .wiring import Wired


class Bus(MemoryEventBus):
    """An event bus that accepts every event but those in `refused`, and none while it `is_away`."""

    has_subscribers = True

    def __init__(self) -> None:
        super().__init__()
        self.published: list[UUID] = []
        self.refused: set[UUID] = set()
        self.is_away = False
        self.calls: list[int] = []
        self.goes_away_after = 1000

    async def publish(self, events: Sequence[AnyEvent]) -> AsyncGenerator[Delivery, None]:
        if self.is_away:
            raise TransientError("the broker is away")
        self.calls.append(len(events))
        held_back: set[str] = set()
        for number, event in enumerate(events):
            if event.key in held_back:
                continue
            if event.id in self.refused:
                held_back.add(event.key)
            if number == self.goes_away_after:
                raise TransientError("the broker went away")
            self.published.append(event.id)
            yield Delivery(event.id, OSError("refused") if event.id in self.refused else None)


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
    registration = ConsumerRegistration(store.registry_handle, store.consumers, bus, clock)
    limits = EventLimits(10, 4, retention=timedelta(days=7))
    return OutboxRelay(
        store.registry_handle, store.outbox, store.consumers, registration, bus, store.idempotency, clock, limits
    )


async def _left(shop: Wired, in_seconds: float = 0) -> list[tuple[UUID, int, int]]:
    """Document, version and failed deliveries of what the bus is yet to get."""
    at = system_clock() + timedelta(seconds=in_seconds)
    (state,) = [one for one in await shop.adapters.consumers.read_states(at, LEASE) if one.name == BUS]
    due = await shop.adapters.consumers.read_due(BUS, at, 1000)
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
    await drain_all(relay)
    assert len(bus.published) == 4 + (unhandled is not None)
    assert [id for id in bus.published if id in expected] == expected
    assert await _left(shop) == []


async def test_a_bus_that_nobody_listens_to_is_no_consumer(shop: Wired, bus: Bus, relay: OutboxRelay) -> None:
    bus.has_subscribers = False
    await shop.create("Note")
    assert not await drain_all(relay)
    assert BUS not in [one.name for one in await shop.adapters.consumers.read_states(system_clock(), LEASE)]
    bus.has_subscribers = True
    (runner,) = await relay.prepare()
    note = await shop.create("Note")
    await drain(runner)
    assert bus.published == [event.id for event in await shop.events(note["id"])]


async def test_a_bus_that_is_away_costs_no_attempt(shop: Wired, bus: Bus, relay: OutboxRelay) -> None:
    """However long: more often than an event may fail, and then everything is delivered."""
    bus.is_away = True
    await shop.create("Note")
    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(ConsumerUnavailableError, match="the broker is away"):
            await drain_all(relay)
    assert [attempts for _, _, attempts in await _left(shop)] == [0]
    bus.is_away = False
    assert await drain_all(relay)
    assert await _left(shop) == []


async def test_what_the_bus_refuses_is_counted_and_holds_back_its_own_document(
    shop: Wired, bus: Bus, relay: OutboxRelay
) -> None:
    refused, settled = [await shop.create("Note", text=text) for text in ("a", "b")]
    await shop.documents.update(shop.adapters.context, "Note", refused["id"], {"number": 1})
    first, second = await shop.events(refused["id"])
    bus.refused = {first.id}
    await drain_all(relay)
    assert await _left(shop) == []
    assert await _left(shop, in_seconds=60) == [(refused["id"], 1, 1), (refused["id"], 2, 0)]
    bus.refused = set()
    (other,) = await shop.events(settled["id"])
    assert sorted(bus.published) == sorted([first.id, other.id])
    await drain_all(_relay(shop, bus, lambda: system_clock() + timedelta(minutes=1)))
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

    monkeypatch.setattr(turn_module, "_RENEW_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(bus, "publish", slowly)
    (runner,) = await relay.prepare()
    working = asyncio.create_task(drain(runner))
    await begun.wait()
    later = system_clock() + 2 * LEASE
    assert await shop.adapters.consumers.lease(BUS, "another", later, LEASE) is not None
    await asyncio.wait_for(working, 10)
    assert 0 < closed < 40
    assert len(await _left(shop)) == 40


async def test_old_events_are_pruned_by_the_relay_alone_once_all_have_passed(shop: Wired, bus: Bus) -> None:
    now = system_clock()
    await shop.adapters.consumers.register({"other": Interest(["*"])}, now)
    await shop.create("Note")
    late = _relay(shop, bus, lambda: now + timedelta(days=8))
    await drain_all(late)
    await late.prune()
    (event,) = (await shop.adapters.outbox.read(0, 10, lambda _: True)).events
    assert await shop.adapters.consumers.lease("other", "a", now, LEASE) is not None
    await shop.adapters.consumers.save("other", "a", Progress(event.position))
    await _relay(shop, bus, lambda: now + timedelta(days=6)).prune()
    assert len((await shop.adapters.outbox.read(0, 10, lambda _: True)).events) == 1
    await _relay(shop, bus, lambda: now + timedelta(days=8)).prune()
    assert list((await shop.adapters.outbox.read(0, 10, lambda _: True)).events) == []


async def test_events_are_published_many_in_a_call(shop: Wired, bus: Bus, relay: OutboxRelay) -> None:
    for _ in range(MAX_BATCH + 20):
        await shop.create("Note")
    await drain_all(relay)
    assert len(bus.published) == MAX_BATCH + 20
    assert len(bus.calls) < 10 and max(bus.calls) <= MAX_BATCH


async def test_of_a_call_that_fails_part_way_what_was_told_is_settled(
    shop: Wired, bus: Bus, relay: OutboxRelay
) -> None:
    """The others come again, uncounted, in the order of their document."""
    note = await shop.create("Note")
    for number in range(1, 5):
        await shop.documents.update(shop.adapters.context, "Note", note["id"], {"number": number})
    expected = [event.id for event in await shop.events(note["id"])]
    bus.goes_away_after = 2
    with pytest.raises(ConsumerUnavailableError, match="the broker went away"):
        await drain_all(relay)
    assert bus.published == expected[:2]
    assert [(version, attempts) for _, version, attempts in await _left(shop)] == [(3, 0), (4, 0), (5, 0)]
    bus.goes_away_after = 1000
    await drain_all(relay)
    assert bus.published == expected


async def test_an_event_that_cannot_be_decoded_fails_alone(
    shop: Wired, bus: Bus, relay: OutboxRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable, other = await shop.create("Note"), await shop.create("Note")

    def decode(registry: Registry, stored: StoredEvent) -> AnyEvent:
        if stored.document_id == unreadable["id"]:
            raise ValueError("its model has changed")
        return restore_event(registry, stored)

    monkeypatch.setattr(relay_module, "restore_event", decode)
    await drain_all(relay)
    assert bus.published == [event.id for event in await shop.events(other["id"])]
    assert await _left(shop, in_seconds=60) == [(unreadable["id"], 1, 1)]
