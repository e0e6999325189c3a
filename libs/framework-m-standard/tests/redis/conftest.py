"""A client of the test's own keys on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from framework_m_standard.redis.client import RedisClient
from framework_m_standard.redis.settings import RedisSettings
from framework_m_testing.contracts.cache import PassTime


@pytest.fixture
def redis_settings(redis_url: str, redis_prefix: str) -> RedisSettings:
    """The settings of one test."""
    return RedisSettings(url=redis_url, prefix=redis_prefix)


@pytest.fixture
async def redis_client(redis_settings: RedisSettings) -> AsyncIterator[RedisClient]:
    """An open client."""
    client = RedisClient(redis_settings)
    await client.open()
    yield client
    await client.close()


@pytest.fixture
def pass_time() -> PassTime:
    """The server's clock cannot be turned."""
    return asyncio.sleep
