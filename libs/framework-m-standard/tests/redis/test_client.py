"""The client: what it refuses at the start, and how it goes on after the server was away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import ValidationError

from framework_m_core.bootstrap.application import open_application
from framework_m_core.domain.errors import ConfigurationError, DatabaseError, TransientError
from framework_m_core.interfaces.cache import CacheProtocol
from framework_m_standard.redis.client import RedisClient, translate_errors
from framework_m_standard.redis.settings import RedisSettings
from tests.redis_server import OwnRedis


@pytest.mark.parametrize(
    "given", [{"url": "http://127.0.0.1"}, {"prefix": "a*"}, {"prefix": ""}, {"prefix": "[x]"}, {"pool_size": 1}]
)
def test_settings_out_of_bounds_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RedisSettings.model_validate(given)


async def test_a_server_that_is_away_stops_the_start(own_redis: OwnRedis) -> None:
    own_redis.kill()
    with pytest.raises(TransientError):
        await RedisClient(RedisSettings(url=own_redis.url)).open()


async def test_a_wrong_password_stops_the_start_without_showing_it(own_redis: OwnRedis) -> None:
    url = own_redis.url.replace("redis://", "redis://nobody:hunter2@")
    with pytest.raises(ConfigurationError) as caught:
        await RedisClient(RedisSettings(url=url)).open()
    assert "hunter2" not in str(caught.value)


async def test_it_goes_on_by_itself(own_redis: OwnRedis) -> None:
    """After a cut connection at once; after a restart, once the server is back."""
    client = RedisClient(RedisSettings(url=own_redis.url))
    await client.open()
    await asyncio.to_thread(own_redis.cut)
    await client.ping()
    own_redis.kill()
    with pytest.raises(TransientError):
        await client.ping()
    own_redis.start()
    await client.ping()
    await client.close()


async def test_a_server_that_takes_no_writes_is_not_healthy(own_redis: OwnRedis) -> None:
    """It answers, but nothing can be stored."""
    client = RedisClient(RedisSettings(url=own_redis.url))
    await client.open()
    await client.connected.config_set("maxmemory", "1")
    with pytest.raises(TransientError, match="no writes"):
        await client.ping()
    await client.connected.config_set("maxmemory", "0")
    await client.connected.replicaof("127.0.0.1", "1")
    with pytest.raises(TransientError):
        await client.ping()
    await client.connected.replicaof("NO", "ONE")
    await client.ping()
    await client.close()


async def test_a_refused_command_is_no_outage(redis_client: RedisClient) -> None:
    await redis_client.connected.set(redis_client.key_of("text"), b"x")
    with pytest.raises(DatabaseError), translate_errors():
        await redis_client.connected.incr(redis_client.key_of("text"))


async def test_durable_is_what_keeps_all_it_acknowledged(own_redis: OwnRedis) -> None:
    client = RedisClient(RedisSettings(url=own_redis.url))
    found = []
    for setting, value in (("maxmemory", "0"), ("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lru")):
        await client.open()
        await client.connected.config_set(setting, value)
        await client.close()
        await client.open()
        found.append(client.is_durable)
    await client.connected.config_set("maxmemory", "0")
    await client.connected.config_set("appendonly", "no")
    await client.close()
    await client.open()
    assert [*found, client.is_durable] == [True, True, False, False]
    await client.close()


async def test_one_client_serves_all_adapters_and_is_pinged(own_redis: OwnRedis, tmp_path: Path) -> None:
    """It is opened by the start, and closed with the app."""
    chosen = {"M_ADAPTERS__STORE": "memory", "M_ADAPTERS__CACHE": "two_level", "M_REDIS__URL": own_redis.url}
    async with open_application(tmp_path, environment=chosen) as app:
        assert [step.name for step in app.steps].count("init_redis") == 1
        cache: CacheProtocol = app.container.get("cache")
        await cache.set("key", 1)
        assert await cache.get("key") == 1
        await app.ping()
        own_redis.kill()
        with pytest.raises(TransientError):
            await app.ping()
        own_redis.start()
        await app.ping()
        assert await cache.get("key") == 1
        client: RedisClient = app.container.get("redis_client")
    with pytest.raises(TransientError):
        await client.ping()
