"""What is in Redis keeps its contracts, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from framework_m_core.domain.clock import Uuid7Generator, system_clock
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.broker.reader import Retries
from framework_m_core.services.session_secrets import SessionRules, SessionSecrets
from framework_m_standard.redis.cache import RedisCache
from framework_m_standard.redis.client import RedisClient
from framework_m_standard.redis.event_bus import RedisEventBus
from framework_m_standard.redis.login_attempts import RedisLoginAttempts
from framework_m_standard.redis.session import RedisSessions
from framework_m_standard.redis.settings import RedisSettings
from framework_m_standard.redis.two_level_cache import TwoLevelCache
from framework_m_testing.clock import SetClock
from framework_m_testing.contracts.cache import CacheContract
from framework_m_testing.contracts.event_bus import EventBusContract
from framework_m_testing.contracts.login_attempts import LoginAttemptsContract
from framework_m_testing.contracts.session import SessionContract
from framework_m_testing.harness import build_sample_registry


class TestRedisCache(CacheContract):
    @pytest.fixture
    def cache(self, redis_client: RedisClient) -> RedisCache:
        return RedisCache(redis_client)


class TestTwoLevelCache(CacheContract):
    @pytest.fixture
    async def cache(self, redis_client: RedisClient) -> AsyncIterator[TwoLevelCache]:
        cache = TwoLevelCache(redis_client)
        await cache.open()
        yield cache
        await cache.close()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def another_client(redis_settings: RedisSettings) -> AsyncIterator[RedisClient]:
    """The client of another process."""
    client = RedisClient(redis_settings)
    await client.open()
    yield client
    await client.close()


@pytest.fixture
def kept(redis_client: RedisClient) -> Callable[[], Awaitable[str]]:
    """Everything that is stored, with its keys."""

    async def read() -> str:
        found: list[object] = []
        async for key in redis_client.connected.scan_iter(match=f"{redis_client.settings.prefix}*"):
            kind = await redis_client.connected.type(key)
            found.append((key, kind == b"hash" and await redis_client.execute("HGETALL", key)))
            assert await redis_client.connected.pttl(key) > 0, f"{key!r} does not expire"
        return repr(found)

    return read


class TestRedisSessions(SessionContract):
    @pytest.fixture
    def rules(self) -> SessionRules:
        secrets = SessionSecrets(lambda purpose: f"a key for {purpose}".encode())
        return SessionRules(timedelta(days=14), timedelta(seconds=10), 100, secrets)

    @pytest.fixture
    def sessions(self, redis_client: RedisClient, rules: SessionRules, clock: SetClock) -> RedisSessions:
        return RedisSessions(redis_client, rules, clock, Uuid7Generator())

    @pytest.fixture
    def elsewhere(self, another_client: RedisClient, rules: SessionRules, clock: SetClock) -> RedisSessions:
        return RedisSessions(another_client, rules, clock, Uuid7Generator())

    @pytest.fixture
    def user_id(self) -> UUID:
        return uuid4()


class TestRedisLoginAttempts(LoginAttemptsContract):
    @pytest.fixture
    def login_attempts(self, redis_client: RedisClient, clock: SetClock) -> RedisLoginAttempts:
        return RedisLoginAttempts(redis_client, clock, Uuid7Generator())

    @pytest.fixture
    def elsewhere(self, another_client: RedisClient, clock: SetClock) -> RedisLoginAttempts:
        return RedisLoginAttempts(another_client, clock, Uuid7Generator())

    @pytest.fixture
    def kept(self, redis_client: RedisClient) -> Callable[[], Awaitable[int]]:
        async def count() -> int:
            keys = [key async for key in redis_client.connected.scan_iter(match=f"{redis_client.settings.prefix}*")]
            return sum([await redis_client.connected.zcard(key) for key in keys])

        return count


class TestRedisEventBus(EventBusContract):
    @pytest.fixture
    async def event_bus(self, redis_client: RedisClient) -> AsyncIterator[RedisEventBus]:
        bus = RedisEventBus(redis_client, RegistryHandle(build_sample_registry()), system_clock, Retries(3, 0.05))
        yield bus
        await bus.close()
