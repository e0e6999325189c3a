"""The relay over buses of every kind, on each store: what is told of is marked, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.errors import TransientError
from framework_m_core.domain.events import DomainEvent
from framework_m_core.interfaces.event_bus import Delivery, Subscriber
from framework_m_core.interfaces.outbox import OutboxRow
from framework_m_core.services.events import relay as relay_module
from framework_m_core.services.events.relay import OutboxRelay

from .wiring import Wired


class Bus:
    """Settles a batch at once, as a broker's adapter may, but for what it is told to do otherwise."""

    def __init__(self) -> None:
        self.published: list[list[UUID]] = []
        self.refused: set[UUID] = set()
        self.tells: int | None = None
        self.is_away = False

    async def publish(self, events: Sequence[DomainEvent]) -> AsyncGenerator[Delivery, None]:
        if self.is_away:
            raise TransientError("the broker is away")
        self.published.append([event.id for event in events])
        held_back: set[UUID] = set()
        for event in events[: self.tells]:
            if event.document_id not in held_back:
                refused = event.id in self.refused
                held_back |= {event.document_id} if refused else set()
                yield Delivery(event.id, OSError("refused") if refused else None)

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
    return OutboxRelay(shop.adapters.outbox, bus, shop.adapters.idempotency, system_clock)


async def _waiting(shop: Wired, in_seconds: float = 0) -> list[OutboxRow]:
    return list(await shop.adapters.outbox.pending(system_clock() + timedelta(seconds=in_seconds), 1000))


async def test_a_batch_is_published_at_once_in_order(shop: Wired, bus: Bus, relay: OutboxRelay) -> None:
    note = await shop.create("Note")
    for number in range(3):
        await shop.documents.update(shop.adapters.context, "Note", note["id"], {"number": number + 1})
    expected = [row.event.id for row in await _waiting(shop)]
    assert await relay.work() == 4
    assert bus.published == [expected]
    assert await _waiting(shop) == []


async def test_a_bus_that_is_away_costs_no_attempt(shop: Wired, bus: Bus, relay: OutboxRelay) -> None:
    """However long: more often than an event may fail, and then everything is delivered."""
    bus.is_away = True
    await shop.create("Note")
    for _ in range(relay_module.MAX_ATTEMPTS + 1):
        with pytest.raises(TransientError, match="the broker is away"):
            await relay.work()
    assert [row.attempts for row in await _waiting(shop)] == [0]
    bus.is_away = False
    assert await relay.work() == 1
    assert await _waiting(shop) == []


async def test_what_the_bus_refuses_is_counted_and_what_it_does_not_tell_of_waits(
    shop: Wired, bus: Bus, relay: OutboxRelay
) -> None:
    refused, settled, untold = [await shop.create("Note", text=text) for text in ("a", "b", "c")]
    await shop.documents.update(shop.adapters.context, "Note", refused["id"], {"number": 1})
    rows = await _waiting(shop)
    bus.refused, bus.tells = {rows[0].event.id}, 2
    await relay.work()
    left = await _waiting(shop, in_seconds=60)
    assert sorted((str(row.event.document_id), row.event.version, row.attempts) for row in left) == sorted(
        [(str(refused["id"]), 1, 1), (str(refused["id"]), 2, 0), (str(untold["id"]), 1, 0)]
    )
    assert not await shop.events(settled["id"])
    bus.refused, bus.tells = set(), None
    await relay.work()
    assert bus.published[1] == [row.event.id for row in left if row.event.document_id == untold["id"]]


async def test_a_relay_that_has_lost_its_lease_closes_the_bus(
    shop: Wired, bus: Bus, relay: OutboxRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And marks what was told of before."""
    for _ in range(3):
        await shop.create("Note")
    begun, closed = asyncio.Event(), asyncio.Event()

    async def slowly(events: Sequence[DomainEvent]) -> AsyncGenerator[Delivery, None]:
        begun.set()
        try:
            for event in events:
                await asyncio.sleep(0.2)
                yield Delivery(event.id)
        except GeneratorExit:
            closed.set()
            raise

    monkeypatch.setattr(relay_module, "LEASE", timedelta(seconds=0.15))
    monkeypatch.setattr(bus, "publish", slowly)
    working = asyncio.create_task(relay.work())
    await begun.wait()
    assert await shop.adapters.outbox.lease("another", system_clock() + timedelta(hours=1), timedelta(hours=1))
    assert await working == 3
    assert closed.is_set()
    assert len(await _waiting(shop)) == 2


async def test_what_is_told_of_is_marked_every_second(shop: Wired, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the batch takes, so that a crash repeats little."""
    outbox, now, marked = shop.adapters.outbox, system_clock(), list[int]()
    marks = outbox.mark_published

    async def counted(positions: Sequence[int], at: datetime) -> None:
        marked.append(len(positions))
        await marks(positions, at)

    async def slowly(events: Sequence[DomainEvent]) -> AsyncGenerator[Delivery, None]:
        nonlocal now
        for event in events:
            now += timedelta(seconds=0.6)
            yield Delivery(event.id)

    for _ in range(5):
        await shop.create("Note")
    monkeypatch.setattr(outbox, "mark_published", counted)
    monkeypatch.setattr(bus, "publish", slowly)
    await OutboxRelay(outbox, bus, shop.adapters.idempotency, lambda: now).work()
    assert marked == [2, 2, 1]
    assert await _waiting(shop) == []
