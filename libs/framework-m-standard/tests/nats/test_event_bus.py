"""The event bus over JetStream: crashes, several processes, bounds, and outages of the server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from framework_m_core.bootstrap.application import open_application
from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.errors import TransientError
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.broker.reader import Retries
from framework_m_standard.nats import group as group_module
from framework_m_standard.nats.client import NatsClient
from framework_m_standard.nats.event_bus import NatsEventBus
from framework_m_standard.nats.settings import NatsSettings
from framework_m_testing.deliveries import (
    RecordingGroup,
    make_events,
    publish,
    publish_patiently,
    settle,
    wait_until,
)
from framework_m_testing.harness import build_sample_registry
from tests.nats_server import OwnNats

from ..broker_bus import BrokerBusTests

type OpenBus = Callable[..., Awaitable[NatsEventBus]]


@pytest.fixture
async def open_bus(nats_settings: NatsSettings) -> AsyncIterator[OpenBus]:
    """Opens buses as several processes do."""
    async with AsyncExitStack() as stack:

        async def open_(**changed: object) -> NatsEventBus:
            client = NatsClient(nats_settings.model_copy(update=changed))
            await client.open()
            stack.push_async_callback(client.close)
            bus = NatsEventBus(client, RegistryHandle(build_sample_registry()), system_clock, Retries(3, 0.05))
            await bus.open()
            stack.push_async_callback(bus.close)
            return bus

        yield open_


class TestNatsBus(BrokerBusTests):
    group_module = group_module
    delivers_again_after_leaving = True


@pytest.mark.parametrize("given", [{"url": "http://x"}, {"prefix": "a.b"}, {"prefix": "*"}, {"replicas": 0}])
def test_settings_out_of_bounds_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NatsSettings.model_validate(given)


async def test_a_member_that_was_paused_past_its_lease_begins_anew(open_bus: OpenBus) -> None:
    """Even if its successor has gone by then: that has read meanwhile."""
    lease = timedelta(seconds=30)
    paused, successor = (await open_bus())._group("one"), (await open_bus())._group("one")
    await paused.create()
    assert await paused.lease(timedelta())
    await paused.begin()
    assert await successor.lease(lease)
    await successor.begin()
    await successor.release()
    assert not await paused.lease(lease)
    await paused.release()
    assert await paused.lease(lease)


async def test_a_parked_entry_that_cannot_be_decoded_holds_nothing_up(event_bus: NatsEventBus) -> None:
    """As one of a newer release, once it is retried."""
    group = RecordingGroup(lambda event: event.version == 1)
    await event_bus.subscribe("one", group)
    await publish(event_bus, make_events(1))

    async def is_parked() -> bool:
        return bool(await event_bus.read_parked("one"))

    await wait_until(is_parked)
    records = event_bus._records
    kept = {"topic": "x", "key": "x", "attempts": 1, "error": "", "at": "2026-01-31T00:00:00+00:00", "event": "{}"}
    for name in await records.find_names("one.parked.>"):
        await records.put(name, json.dumps(kept).encode())
    assert await event_bus.retry("one") == 1

    async def is_gone() -> bool:
        return not await records.find_names("one.again.>")

    await wait_until(is_gone)
    events = make_events(2)
    await publish(event_bus, events)
    await group.has(events)


async def test_a_group_whose_consumer_is_made_anew_loses_nothing(open_bus: OpenBus) -> None:
    """A stream that becomes full meanwhile drops nothing past the position of the group."""
    bus = await open_bus(max_stream_events=1000)
    group, anew = RecordingGroup(), RecordingGroup()
    await bus.subscribe("one", group)
    await bus.subscribe("anew", anew)
    await bus.unsubscribe("anew")
    await bus._client.jetstream.delete_consumer(bus._stream, "anew")
    events = [make_events(number)[0] for number in range(1000)]
    for first in range(0, 1000, 100):
        await publish(bus, events[first : first + 100])
    await group.has(events)
    more = make_events(1, 2, 3)
    with pytest.raises(TransientError, match="max_stream_events"):
        await publish(bus, more)
    await bus.subscribe("anew", anew)
    await anew.has(events)
    await publish_patiently(bus, more)
    await anew.has(more)


async def test_an_event_that_is_published_twice_is_kept_once(event_bus: NatsEventBus) -> None:
    """As after an answer that was lost."""
    group = RecordingGroup()
    await event_bus.subscribe("one", group)
    events, ends = make_events(1, 2), make_events(3)
    for _ in range(3):
        await publish(event_bus, events)
    await settle(event_bus, ends)
    await group.has([*events, *ends])
    assert [event.version for event in group.handled] == [1, 2, 3]


async def test_an_event_that_is_too_large_is_refused_alone(event_bus: NatsEventBus) -> None:
    """By the server's own limit, a megabyte, or by that of every bus."""
    for size in (2_000_000, 8_000_000):
        large, behind, other = *make_events(1, 2), *make_events(1)
        large.data["text"] = "x" * size  # type: ignore[index]
        told = {delivery.event_id: delivery.error for delivery in await publish(event_bus, [large, behind, other])}
        assert isinstance(told.pop(large.id), ValueError), size
        assert told == {other.id: None}, size


async def test_it_goes_on_after_a_crash_of_the_server(event_bus: NatsEventBus, own_nats: OwnNats) -> None:
    group = RecordingGroup(lambda event: event.version == 9)
    await event_bus.subscribe("one", group)
    before, after = make_events(1), make_events(2)
    await settle(event_bus, [*before, *(poison := make_events(9))])
    await group.has(before)
    await asyncio.to_thread(own_nats.kill)
    with pytest.raises(TransientError):
        await publish(event_bus, after)
    await asyncio.to_thread(own_nats.start)
    await publish_patiently(event_bus, after)
    await group.has(after)

    async def is_parked() -> bool:
        return [one.event_id for one in await event_bus.read_parked("one")] == [event.id for event in poison]

    await wait_until(is_parked)


async def test_the_app_opens_it_and_tells_of_an_outage(own_nats: OwnNats, tmp_path: Path) -> None:
    """Without a restart; a server that is away stops the start."""
    chosen = {
        "M_ADAPTERS__STORE": "memory",
        "M_ADAPTERS__EVENT_BUS": "nats",
        "M_NATS__URL": own_nats.url,
        "M_NATS__REQUEST_TIMEOUT_SECONDS": "1",
        "M_NATS__CONNECT_TIMEOUT_SECONDS": "1",
    }
    async with open_application(tmp_path, environment=chosen) as app:
        await app.ping()
        await asyncio.to_thread(own_nats.kill)
        with pytest.raises(TransientError):
            await app.ping()
        with pytest.raises(TransientError):
            async with open_application(tmp_path, environment=chosen):
                """Never reached."""
        await asyncio.to_thread(own_nats.start)

        async def is_ready() -> bool:
            try:
                await app.ping()
            except TransientError:
                return False
            return True

        await wait_until(is_ready)
