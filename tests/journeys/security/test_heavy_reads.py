"""Searches of some do not keep others out: with all places taken, logins, point reads and pings are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from tests.journeys.product import Product

SEARCH = {"filters": '[{"field": "full_name", "operator": "contains", "value": "zzz"}]'}
POOL = 6


@pytest.fixture
def store() -> str:
    """PostgreSQL alone: on SQLite each search has a thread, see sql/test_heavy_reads."""
    return "postgres"


@pytest.fixture
def product(fresh_product: Callable[[], Product]) -> Product:
    """A CRM with few connections."""
    made = fresh_product()
    made.create_users()
    made.environment |= {"M_SQL__POOL_SIZE": str(POOL), "M_FRAMEWORK__HEAVY_READ_TIMEOUT_SECONDS": "0.2"}
    made.start()
    return made


@contextmanager
def _slow(url: str, table: str) -> Iterator[None]:
    """While it lasts, no read of a table ends."""
    loop = asyncio.new_event_loop()
    connection: Any = loop.run_until_complete(asyncpg.connect(url))
    transaction = connection.transaction()
    try:
        loop.run_until_complete(transaction.start())
        loop.run_until_complete(connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        yield
    finally:
        loop.run_until_complete(transaction.rollback())
        loop.run_until_complete(connection.close())
        loop.close()


def test_others_are_served_while_searches_fill_the_lane(product: Product) -> None:
    with product.client("manager") as manager, product.client("alice") as alice, ThreadPoolExecutor(40) as threads:
        contact = manager.post("/api/v1/Contact", json={"full_name": "Ada"}).json()
        with _slow(product.url, "customer"):
            callers = [manager, alice] * 17
            searches = [threads.submit(one.get, "/api/v1/Customer", params=SEARCH) for one in callers]
            responses = (search.result() for search in as_completed(searches))
            refused = [next(responses) for _ in range(len(searches) - 2)]
            assert {(one.status_code, one.headers["retry-after"]) for one in refused} == {(429, "2")}
            assert manager.get(f"/api/v1/Contact/{contact['id']}").status_code == 200
            assert manager.get("/api/v1/Contact").status_code == 200
            assert product.token("bob")
            assert httpx.get(f"{product.address}/ready").status_code == 200
        assert [one.status_code for one in responses] == [200, 200]
