"""The cache under the contract of its port, and what is its own: it is durable, bounded, and says when it is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acme_sqlite_cache.adapter import SqliteCache
from acme_sqlite_cache.settings import SqliteCacheSettings

from framework_m_core.spi import TransientError
from framework_m_testing.clock import SetClock
from framework_m_testing.contracts.cache import CacheContract


@pytest.fixture
async def cache(clock: SetClock, tmp_path: Path) -> AsyncIterator[SqliteCache]:
    cache = SqliteCache(clock, SqliteCacheSettings(file=tmp_path / "made" / "cache.db", max_entries=100))
    await cache.open()
    yield cache
    await cache.close()


class TestSqliteCache(CacheContract):
    """The file of each test is new."""


async def test_values_outlive_the_process(cache: SqliteCache, clock: SetClock, tmp_path: Path) -> None:
    await cache.set_many({"kept": 1, "short": 2}, ttl=60)
    await cache.close()
    again = SqliteCache(clock, SqliteCacheSettings(file=tmp_path / "made" / "cache.db"))
    await again.open()
    clock.move(seconds=30)
    assert await again.get_many(["kept", "short"]) == {"kept": 1, "short": 2}
    assert await again.ttl("kept") == 30
    await again.close()


async def test_the_entries_written_first_are_evicted(cache: SqliteCache) -> None:
    await cache.set_many({f"key {number}": number for number in range(100)})
    await cache.set("key 0", "written again")
    await cache.set("one more", 1)
    assert [await cache.exists(key) for key in ("key 0", "key 1", "key 2", "one more")] == [True, False, True, True]


async def test_a_file_that_cannot_be_used_is_an_outage_and_no_loss(clock: SetClock, tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"not a database" * 100)
    cache = SqliteCache(clock, SqliteCacheSettings(file=tmp_path / "cache.db"))
    with pytest.raises(TransientError):
        await cache.ping()
    (tmp_path / "cache.db").unlink()
    await cache.set("key", 1)
    assert await cache.get("key") == 1
    await cache.close()
