"""The two-level cache: what one process keeps, and what it hears of the changes of others."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from framework_m_core.domain.errors import TransientError
from framework_m_standard.redis.client import RedisClient
from framework_m_standard.redis.settings import RedisSettings
from framework_m_standard.redis.two_level_cache import TwoLevelCache
from tests.redis_server import OwnRedis

type OpenCache = Callable[..., Awaitable[TwoLevelCache]]


@pytest.fixture
async def open_cache() -> AsyncIterator[OpenCache]:
    """Opens caches as several processes do, each with a client of its own."""
    async with AsyncExitStack() as stack:

        async def open_(settings: RedisSettings, **changed: object) -> TwoLevelCache:
            client = RedisClient(settings.model_copy(update=changed))
            await client.open()
            stack.push_async_callback(client.close)
            cache = TwoLevelCache(client)
            await cache.open()
            stack.push_async_callback(cache.close)
            await _until(lambda: _keeps(cache, client))
            return cache

        yield open_


async def _keeps(cache: TwoLevelCache, client: RedisClient) -> bool:
    """Whether the cache answers without the server, for a value that another writer changed silently."""
    await cache.set("probe", "here")
    await cache.get("probe")
    await client.connected.unlink(client.key_of("cache", "probe"))
    return bool(await cache.get("probe") == "here")


async def _write_silently(client: RedisClient, *keys: str, value: str) -> None:
    """Write as somebody does whose messages are all lost."""
    for key in keys:
        await client.connected.set(client.key_of("cache", key), json.dumps(value))


async def _until(holds: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_a_change_is_heard_by_all(redis_settings: RedisSettings, open_cache: OpenCache) -> None:
    """Replaced, deleted, and deleted by a pattern."""
    here, there = [await open_cache(redis_settings, local_ttl_seconds=3600) for _ in range(2)]

    async def sees(value: object) -> bool:
        return bool(await there.get("key") == value)

    for number in range(5):
        await here.set("key", number)
        await _until(lambda: sees(number))  # noqa: B023 - awaited at once
    await here.delete("key")
    await _until(lambda: sees(None))
    await here.set("key", "again")
    await _until(lambda: sees("again"))
    await here.delete_pattern("k*")
    await _until(lambda: sees(None))


async def test_a_process_reads_what_it_has_written(redis_settings: RedisSettings, open_cache: OpenCache) -> None:
    cache = await open_cache(redis_settings)
    for number in range(50):
        await cache.set("key", number)
        assert [await cache.get("key"), await cache.get("key")] == [number, number]


async def test_of_a_lost_message_the_value_is_stale_for_its_bound_alone(
    redis_settings: RedisSettings, redis_client: RedisClient, open_cache: OpenCache
) -> None:
    """A writer that announces nothing stands for a message that was lost."""
    cache = await open_cache(redis_settings, local_ttl_seconds=0.5)
    await _write_silently(redis_client, "key", value="old")
    assert await cache.get("key") == "old"
    began = time.monotonic()
    await _write_silently(redis_client, "key", value="new")
    assert await cache.get("key") == "old"

    async def is_new() -> bool:
        return bool(await cache.get("key") == "new")

    await _until(is_new)
    assert time.monotonic() - began < 2


async def test_a_kept_value_expires_no_later_than_the_shared_one(
    redis_settings: RedisSettings, open_cache: OpenCache
) -> None:
    cache = await open_cache(redis_settings, local_ttl_seconds=3600)
    await cache.set("key", 1, 0.3)
    assert await cache.get("key") == 1

    async def is_gone() -> bool:
        return await cache.get("key") is None

    await _until(is_gone)


async def test_what_changes_while_it_is_read_is_not_kept(redis_settings: RedisSettings, open_cache: OpenCache) -> None:
    """Many readers and writers at once: at the end all agree with the server."""
    here, there = [await open_cache(redis_settings, local_ttl_seconds=3600) for _ in range(2)]

    async def write(cache: TwoLevelCache) -> None:
        for number in range(60):
            await cache.set("key", number)

    async def read(cache: TwoLevelCache) -> None:
        for _ in range(300):
            await cache.get("key")

    await asyncio.gather(*(work(cache) for cache in (here, there) for work in (write, read, read)))

    async def agree() -> bool:
        return {await here.get("key"), await there.get("key")} == {59}

    await _until(agree)


async def test_while_it_cannot_hear_it_keeps_nothing(own_redis: OwnRedis, open_cache: OpenCache) -> None:
    """And keeps again once the server is back."""
    settings = RedisSettings(url=own_redis.url, local_ttl_seconds=3600)
    cache = await open_cache(settings)
    await cache.set("key", "old")
    assert await cache.get("key") == "old"
    own_redis.kill()

    async def fails() -> bool:
        try:
            await cache.get("key")
        except TransientError:
            return True
        return False

    await _until(fails)
    own_redis.start()
    writer = RedisClient(settings)
    await writer.open()
    await _write_silently(writer, "key", value="new")

    async def is_new() -> bool:
        return not await fails() and bool(await cache.get("key") == "new")

    await _until(is_new)
    await _until(lambda: _keeps(cache, writer))
    await writer.close()


async def test_a_cut_connection_forgets_what_was_kept(own_redis: OwnRedis, open_cache: OpenCache) -> None:
    """A message may have been lost with it."""
    settings = RedisSettings(url=own_redis.url, local_ttl_seconds=3600)
    cache = await open_cache(settings)
    writer = RedisClient(settings)
    await writer.open()
    await _write_silently(writer, "key", value="old")
    assert await cache.get("key") == "old"
    await _write_silently(writer, "key", value="new")
    assert await cache.get("key") == "old"
    await asyncio.to_thread(own_redis.cut)

    async def is_new() -> bool:
        try:
            return bool(await cache.get("key") == "new")
        except TransientError:
            return False

    await _until(is_new)
    await writer.close()


async def test_what_is_kept_is_bounded(
    redis_settings: RedisSettings, redis_client: RedisClient, open_cache: OpenCache
) -> None:
    cache = await open_cache(redis_settings, max_local_entries=2, local_ttl_seconds=3600)
    await _write_silently(redis_client, "a", "b", "c", value="old")
    for key in "abc":
        await cache.get(key)
    await _write_silently(redis_client, "a", "b", "c", value="new")
    assert await cache.get("c") == "old"
    assert await cache.get("a") == "new"
    small = await open_cache(redis_settings, max_local_mb=1, local_ttl_seconds=3600)
    await _write_silently(redis_client, "d", "e", "f", value="old" * 130_000)
    for key in "def":
        await small.get(key)
    await _write_silently(redis_client, "d", "e", "f", value="new")
    assert [(await small.get(key))[:3] for key in "fed"] == ["old", "old", "new"]
