"""The event bus over Redis streams: crashes, several processes, bounds, and what the server loses or others write."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.errors import TransientError
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.broker.group import LeaseLostError
from framework_m_core.services.events.broker.reader import Retries
from framework_m_standard.redis import event_group
from framework_m_standard.redis.client import RedisClient
from framework_m_standard.redis.event_bus import RedisEventBus
from framework_m_standard.redis.settings import RedisSettings
from framework_m_testing.deliveries import (
    RecordingGroup,
    make_events,
    publish,
    publish_patiently,
    settle,
    wait_until,
)
from framework_m_testing.harness import build_sample_registry
from tests.redis_server import OwnRedis

from ..broker_bus import BrokerBusTests

type OpenBus = Callable[..., Awaitable[RedisEventBus]]


@pytest.fixture
async def open_bus(redis_settings: RedisSettings) -> AsyncIterator[OpenBus]:
    """Opens buses as several processes do."""
    async with AsyncExitStack() as stack:

        async def open_(**changed: object) -> RedisEventBus:
            client = RedisClient(redis_settings.model_copy(update=changed))
            await client.open()
            stack.push_async_callback(client.close)
            bus = RedisEventBus(client, RegistryHandle(build_sample_registry()), system_clock, Retries(3, 0.05))
            stack.push_async_callback(bus.close)
            return bus

        yield open_


class TestRedisBus(BrokerBusTests):
    group_module = event_group

    @staticmethod
    def entry(number: int) -> str:
        return f"1-{number}"


async def test_a_member_that_was_paused_past_its_lease_reads_nothing(open_bus: OpenBus) -> None:
    """What it would get is its successor's, which would never learn of it."""
    bus, lease = await open_bus(), timedelta(seconds=30)
    paused, successor = bus._group("one"), (await open_bus())._group("one")
    await paused.create()
    assert await paused.lease(timedelta(milliseconds=50))
    await paused.begin()
    await publish(bus, make_events(1))
    assert len(await paused.read_new(100, 0.01)) == 1

    async def takes_over() -> bool:
        return await successor.lease(lease)

    await wait_until(takes_over)
    await successor.begin()
    assert len(await successor.read_left("0", 100)) == 1
    await publish(bus, make_events(2))
    with pytest.raises(LeaseLostError):
        await paused.read_new(100, 0.01)
    with pytest.raises(LeaseLostError):
        await paused.read_left("0", 100)
    assert len(await successor.read_new(100, 0.01)) == 1
    await successor.release()
    assert not await paused.lease(lease), "it must begin anew, since another process has read meanwhile"
    await paused.release()
    assert await paused.lease(lease)
    await paused.begin()
    assert len(await paused.read_left("0", 100)) == 2


async def test_a_removed_group_makes_room(open_bus: OpenBus) -> None:
    bus = await open_bus(max_stream_events=1000)
    await bus.subscribe("gone", RecordingGroup())
    await bus.unsubscribe("gone")
    for _ in range(10):
        await publish(bus, [make_events(number)[0] for number in range(100)])
    with pytest.raises(TransientError):
        await publish(bus, make_events(1))
    await bus.remove("gone")
    assert len(await publish(bus, make_events(1, 2))) == 2
    assert await bus._client.connected.xlen(bus._stream) <= 1000


async def test_what_is_too_old_is_dropped(open_bus: OpenBus, redis_client: RedisClient) -> None:
    """Handled or not, within the bound that is stated, at the next event."""
    bus = await open_bus(stream_retention_hours=0.3 / 3600)
    for _ in range(5):
        await publish(bus, [make_events(number)[0] for number in range(100)])

    async def are_dropped() -> bool:
        await publish(bus, make_events(1))
        return int(await redis_client.connected.xlen(redis_client.key_of("events"))) < 400  # whole nodes are dropped

    await wait_until(are_dropped)


async def test_an_entry_that_is_none_holds_nothing_up(open_bus: OpenBus, redis_client: RedisClient) -> None:
    """Whoever wrote it; and one that is deleted before it is handled again."""
    bus, group = await open_bus(), RecordingGroup(lambda event: event.version == 1)
    await bus.subscribe("one", group)
    stream = redis_client.key_of("events")
    for field, value in (("event", b"\xff"), ("event", b"{}"), ("event", b"[]"), ("x", b"y")):
        await redis_client.execute("XADD", stream, "*", field, value)
    events = make_events(1, 2)
    await publish(bus, events[:1])

    async def has_failed() -> bool:
        return bool(await redis_client.connected.exists(redis_client.key_of("events", "failures", "one")))

    await wait_until(has_failed)
    await redis_client.connected.xtrim(stream, maxlen=0)
    await publish(bus, events[1:])
    await group.has(events[1:])


async def test_a_parked_entry_that_cannot_be_decoded_holds_nothing_up(
    open_bus: OpenBus, redis_client: RedisClient
) -> None:
    """As one of a newer release, once it is retried."""
    bus, group = await open_bus(), RecordingGroup(lambda event: event.version == 1)
    await bus.subscribe("one", group)
    await publish(bus, make_events(1))

    async def is_parked() -> bool:
        return bool(await bus.read_parked("one"))

    await wait_until(is_parked)
    parked = (await bus.read_parked("one"))[0]
    kept = {"topic": "x", "key": "x", "attempts": 1, "error": "", "at": "2026-01-31T00:00:00+00:00", "event": "{}"}
    key = redis_client.key_of("events", "kept", "one")
    await redis_client.execute("HSET", key, str(parked.event_id), json.dumps(kept))
    assert await bus.retry("one") == 1

    async def is_gone() -> bool:
        return not await redis_client.execute("HLEN", redis_client.key_of("events", "again", "one"))

    await wait_until(is_gone)
    events = make_events(2)
    await publish(bus, events)
    await group.has(events)


async def test_a_group_that_the_server_has_lost_goes_on(open_bus: OpenBus, redis_client: RedisClient) -> None:
    """As after a restart without its file: what is published from then on arrives."""
    bus, group = await open_bus(), RecordingGroup()
    await bus.subscribe("one", group)
    await settle(bus, first := make_events(1))
    await group.has(first)
    async for key in redis_client.connected.scan_iter(match=f"{redis_client.settings.prefix}*"):
        await redis_client.connected.delete(key)
    await settle(bus, second := make_events(2))
    await group.has(second)


async def test_an_event_that_is_too_large_is_refused_alone(open_bus: OpenBus) -> None:
    bus = await open_bus()
    large, behind, other = *make_events(1, 2), *make_events(1)
    large.data["text"] = "x" * 8_000_000  # type: ignore[index]
    told = {delivery.event_id: delivery.error for delivery in await publish(bus, [large, behind, other])}
    assert isinstance(told.pop(large.id), ValueError)
    assert told == {other.id: None}


async def test_it_goes_on_after_cuts_and_a_crash_of_the_server(own_redis: OwnRedis) -> None:
    client = RedisClient(RedisSettings(url=own_redis.url))
    await client.open()
    bus = RedisEventBus(client, RegistryHandle(build_sample_registry()), system_clock, Retries(3, 0.05))
    group = RecordingGroup()
    await bus.subscribe("one", group)
    before, after = make_events(1), make_events(2)
    await settle(bus, before)
    await group.has(before)
    await asyncio.to_thread(own_redis.cut)
    await settle(bus, after)
    await group.has(after)
    own_redis.kill()
    with pytest.raises(TransientError):
        await publish(bus, make_events(3))
    own_redis.start()
    last = make_events(4)
    await publish_patiently(bus, last)
    await group.has(last)
    await bus.close()
    await client.close()
