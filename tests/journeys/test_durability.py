"""Kill -9 in the midst of writes: nothing half-written, nothing acknowledged lost, no event without its document."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest

from tests.journeys.product import Product

WRITES, CONNECTIONS, LINES = 1000, 64, 3


def _invoice(customer: str, number: int) -> dict[str, Any]:
    lines = [{"description": f"{number}-{line}", "qty": "1", "rate": "2.50"} for line in range(LINES)]
    return {"customer": customer, "items": lines}


async def _write_until_killed(product: Product, token: str, customer: str, kill_after: int) -> list[dict[str, Any]]:
    acknowledged: list[dict[str, Any]] = []
    numbers = iter(range(WRITES))

    async def worker(client: httpx.AsyncClient) -> None:
        for number in numbers:
            try:
                answer = await client.post("/api/v1/Invoice", json=_invoice(customer, number))
            except httpx.TransportError:
                return
            assert answer.status_code == 201, answer.text
            acknowledged.append(answer.json())
            if len(acknowledged) == kill_after:
                product.kill()

    limits = httpx.Limits(max_connections=CONNECTIONS)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=product.address, headers=headers, limits=limits, timeout=60) as client:
        await asyncio.gather(*(worker(client) for _ in range(CONNECTIONS)))
    return acknowledged


def _rows(product: Product, sql: str) -> list[tuple[Any, ...]]:
    if product.url.startswith("sqlite"):
        with sqlite3.connect(product.url.removeprefix("sqlite:///")) as connection:
            return connection.execute(sql).fetchall()

    async def read() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(product.url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(read())


@pytest.mark.slow
def test_kill_9_leaves_the_truth(fresh_product: Callable[[], Product]) -> None:
    product = fresh_product()
    product.create_users({"alice": ("Sales User",)})
    product.start()
    with product.client("alice") as alice:
        customer = alice.post("/api/v1/Customer", json={"full_name": "Kill & Nine"}).json()["id"]
        token = product.token("alice")
    acknowledged = asyncio.run(_write_until_killed(product, token, customer, kill_after=WRITES // 2))
    assert WRITES // 2 <= len(acknowledged) < WRITES

    stored = {str(row[0]) for row in _rows(product, "SELECT id FROM invoice")}
    assert {one["id"] for one in acknowledged} <= stored
    lines = dict(_rows(product, "SELECT CAST(parent AS TEXT), count(*) FROM invoice__items GROUP BY parent"))
    assert lines == dict.fromkeys(stored, LINES)
    for table in ("m_outbox", "activitylog"):
        traced = [str(row[0]) for row in _rows(product, f"SELECT document_id FROM {table} WHERE doctype = 'Invoice'")]
        assert sorted(traced) == sorted(stored), table

    product.start()
    with product.client("alice") as alice:
        for one in acknowledged[:: max(1, len(acknowledged) // 50)]:
            assert alice.get(f"/api/v1/Invoice/{one['id']}").json() == one


def _settled(read: Callable[[], Any]) -> Any:
    """What is read once two readings, some time apart, are the same: writes that nobody waits for have ended."""
    last = read()
    while True:
        time.sleep(0.5)
        now = read()
        if now == last:
            return now
        last = now


@pytest.mark.slow
def test_a_client_that_leaves_mid_write_can_read_the_truth(fresh_product: Callable[[], Product]) -> None:
    product = fresh_product()
    product.create_users({"alice": ("Sales User",)})
    product.start()
    with product.client("alice") as alice:
        customer = alice.post("/api/v1/Customer", json={"full_name": "Gone"}).json()["id"]

        async def impatient() -> None:
            headers = {"authorization": alice.headers["authorization"]}
            async with httpx.AsyncClient(base_url=product.address, headers=headers) as client:
                for number in range(60):
                    task = asyncio.create_task(client.post("/api/v1/Invoice", json=_invoice(customer, number)))
                    await asyncio.sleep(0.0005 * number)
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)

        asyncio.run(impatient())
        page = _settled(lambda: alice.get("/api/v1/Invoice", params={"limit": 100, "count": "exact"}).json())
        for listed in page["items"]:
            whole = alice.get(f"/api/v1/Invoice/{listed['id']}").json()
            assert len(whole["items"]) == LINES and whole["total"] == "7.50"
        events = _rows(product, "SELECT count(*) FROM m_outbox WHERE doctype = 'Invoice'")
        assert events[0][0] == page["total"]
