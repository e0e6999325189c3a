"""What a connection keeps prepared is bounded in number and size, whatever statements callers bring about."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from framework_m_standard.sql.engine.postgres_driver import _Connection


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[_Connection]:
    raw = await asyncpg.connect(postgres_url, statement_cache_size=0)
    yield _Connection(raw)
    await raw.close()


async def test_the_longest_unused_go_first(connection: _Connection) -> None:
    often = await connection.prepared("SELECT 'often'")
    for number in range(600):
        await connection.prepared(f"SELECT {number}")
        assert await connection.prepared("SELECT 'often'") is often
    assert len(connection._prepared) == 500
    for number in range(100):
        await connection.prepared(f"SELECT {number}, '{'x' * 15_000}'")
        assert sum(map(len, connection._prepared)) <= 1_000_000
    assert len(connection._prepared) > 50


async def test_a_very_long_one_is_not_kept(connection: _Connection) -> None:
    await connection.prepared(f"SELECT '{'x' * 30_000}'")
    assert not connection._prepared
