"""Kill -9 in the midst of writes: nothing half-written, nothing acknowledged lost, no event without its document."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pymongo import MongoClient

from tests.journeys.database import read_rows
from tests.journeys.product import Product

WRITES, CONNECTIONS, LINES = 1000, 64, 3


def _invoice(customer: str, number: int) -> dict[str, Any]:
    lines = [{"description": f"{number}-{line}", "qty": "1", "rate": "2.50"} for line in range(LINES)]
    return {"customer": customer, "items": lines}


async def _write_until_killed(
    product: Product, token: str, customers: list[str], kill_after: int
) -> list[dict[str, Any]]:
    """The invoices that were acknowledged, written at once for each of the customers."""
    acknowledged: list[dict[str, Any]] = []
    numbers = iter(range(WRITES))

    async def worker(client: httpx.AsyncClient, customer: str) -> None:
        for number in numbers:
            try:
                response = await client.post("/api/v1/Invoice", json=_invoice(customer, number))
            except httpx.TransportError:
                return
            assert response.status_code == 201, response.text
            acknowledged.append(response.json())
            if len(acknowledged) == kill_after:
                product.kill()

    limits = httpx.Limits(max_connections=CONNECTIONS)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=product.address, headers=headers, limits=limits, timeout=60) as client:
        await asyncio.gather(*(worker(client, customer) for customer in customers))
    return acknowledged


def _rows(product: Product, sql: str) -> list[tuple[Any, ...]]:
    return read_rows(product.url, sql)


def _invoices(product: Product) -> dict[str, int]:
    """The number of lines of each stored invoice."""
    if product.url.startswith("mongodb"):
        return {str(one["_id"]): len(one["items"]) for one in _documents(product, "Invoice", {})}
    stored = {str(row[0]) for row in _rows(product, "SELECT id FROM invoice")}
    counts = _rows(product, "SELECT parent, count(*) FROM invoice__items GROUP BY parent")
    return dict.fromkeys(stored, 0) | {str(parent): count for parent, count in counts}


def _traced(product: Product) -> dict[str, list[str]]:
    """The invoices of which events and activities tell, with repetitions."""
    if product.url.startswith("mongodb"):
        of = {"doctype": "Invoice"}
        return {
            name: [str(one["document_id"]) for one in _documents(product, name, of)] for name in ("m_outbox", "m_audit")
        }
    return {
        table: [str(row[0]) for row in _rows(product, f"SELECT document_id FROM {table} WHERE doctype = 'Invoice'")]
        for table in ("m_outbox", "activitylog")
    }


def _documents(product: Product, collection: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    parts = urlsplit(product.url)
    with MongoClient[dict[str, Any]](parts._replace(path="/").geturl(), uuidRepresentation="standard") as client:
        return client[parts.path.removeprefix("/")][collection].find(query).to_list()


@pytest.mark.slow
def test_kill_9_leaves_the_truth(fresh_product: Callable[[], Product]) -> None:
    product = fresh_product()
    product.create_users({"alice": ("Sales User",)})
    product.start()
    with product.client("alice") as alice:
        named = {"full_name": "Kill & Nine"}
        customers = [alice.post("/api/v1/Customer", json=named).json()["id"] for _ in range(CONNECTIONS)]
        token = product.token("alice")
    acknowledged = asyncio.run(_write_until_killed(product, token, customers, kill_after=WRITES // 2))
    assert WRITES // 2 <= len(acknowledged) < WRITES

    stored = _invoices(product)
    assert {one["id"] for one in acknowledged} <= stored.keys()
    assert stored == dict.fromkeys(stored, LINES)
    for table, traced in _traced(product).items():
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
        assert len(_traced(product)["m_outbox"]) == page["total"]
