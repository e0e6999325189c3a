"""The cache in Redis: it touches its own keys alone, and stores texts."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_core.domain.errors import TransientError
from framework_m_standard.redis.cache import RedisCache
from framework_m_standard.redis.client import RedisClient
from framework_m_standard.redis.settings import RedisSettings


async def test_keys_of_others_are_never_touched(redis_url: str, redis_client: RedisClient) -> None:
    """Neither another app's, nor those of other adapters, whatever the pattern and the prefix."""
    prefix = redis_client.settings.prefix
    other = RedisClient(RedisSettings(url=redis_url, prefix=f"{prefix[:-1]}.x:"))
    await other.open()
    await RedisCache(other).set("key", "theirs")
    await redis_client.connected.set(redis_client.key_of("session", "key"), b"kept")
    await RedisCache(redis_client).set_many({"key": 1, "*": 2})
    assert await RedisCache(redis_client).delete_pattern("*") == 2
    assert await RedisCache(redis_client).delete_pattern("*session*") == 0
    assert await RedisCache(other).get("key") == "theirs"
    assert await redis_client.connected.get(redis_client.key_of("session", "key")) == b"kept"
    await other.close()


async def test_values_are_json(redis_client: RedisClient) -> None:
    await RedisCache(redis_client).set("key", {"a": [1, "ä"]})
    assert await redis_client.connected.get(redis_client.key_of("cache", "key")) == b'{"a":[1,"\\u00e4"]}'


async def test_many_keys_come_in_parts(redis_client: RedisClient) -> None:
    cache = RedisCache(redis_client)
    values: dict[str, Any] = {f"key{number}": number for number in range(1201)}
    await cache.set_many(values)
    assert await cache.get_many(values) == values
    assert await cache.delete_pattern("key*") == 1201


async def test_before_it_is_open_and_after_it_is_closed_it_is_away(redis_settings: RedisSettings) -> None:
    client = RedisClient(redis_settings)
    cache = RedisCache(client)
    for _ in range(2):
        with pytest.raises(TransientError):
            await cache.get("key")
        await client.open()
        await cache.set("key", 1)
        await client.close()
