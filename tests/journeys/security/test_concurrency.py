"""Many at once on one thing: nobody's write is lost, done twice or half seen."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.journeys.product import Product
from tests.journeys.security.responses import inspect

CONNECTIONS, WRITES, READERS = 64, 200, 8


@asynccontextmanager
async def _many(crm: Product, caller: httpx.Client) -> Any:
    async def look(response: httpx.Response) -> None:
        await response.aread()
        inspect(response)

    headers = {"authorization": caller.headers["authorization"]}
    limits = httpx.Limits(max_connections=CONNECTIONS + READERS)
    hooks: Any = {"response": [look]}
    async with httpx.AsyncClient(
        base_url=crm.address, headers=headers, limits=limits, timeout=60, event_hooks=hooks
    ) as client:
        yield client


def _at_once(crm: Product, caller: httpx.Client, *requests: tuple[str, str, Any]) -> list[httpx.Response]:
    """All requests at once, each `(method, path, body)`."""

    async def send() -> list[httpx.Response]:
        async with _many(crm, caller) as client:
            sent = (client.request(method, path, json=body) for method, path, body in requests)
            return list(await asyncio.gather(*sent))

    return asyncio.run(send())


def _statuses(responses: Iterable[httpx.Response]) -> Counter[int]:
    return Counter(response.status_code for response in responses)


def _lines(number: int) -> list[dict[str, Any]]:
    return [{"description": f"{number}", "qty": number + 1, "rate": "1.25"} for _ in range(1 + number % 4)]


def _invoice(client: httpx.Client) -> dict[str, Any]:
    customer = client.post("/api/v1/Customer", json={"full_name": "Busy"}).json()["id"]
    return dict(client.post("/api/v1/Invoice", json={"customer": customer, "items": _lines(0)}).json())


def _whole(document: dict[str, Any]) -> None:
    """Parent and lines are of one write: the total is theirs, and they all carry one number."""
    lines = document["items"]
    assert Decimal(document["total"]) == sum(
        (Decimal(line["qty"]) * Decimal(line["rate"]) for line in lines), Decimal()
    )
    assert len({line["description"] for line in lines}) == 1 and len(lines) == 1 + int(lines[0]["description"]) % 4
    assert len({line["id"] for line in lines}) == len(lines)


type Write = Callable[[httpx.AsyncClient, str, int], Awaitable[httpx.Response]]


async def _patch(client: httpx.AsyncClient, path: str, number: int) -> httpx.Response:
    return await client.patch(path, json={"items": _lines(number)})


async def _put(client: httpx.AsyncClient, path: str, number: int) -> httpx.Response:
    known = (await client.get(path)).json()
    return await client.put(path, json={"_version": known["_version"], "items": _lines(number)})


async def _put_if_match(client: httpx.AsyncClient, path: str, number: int) -> httpx.Response:
    tag = (await client.get(path)).headers["etag"]
    return await client.put(path, json={"items": _lines(number)}, headers={"if-match": tag})


@pytest.mark.slow
@pytest.mark.parametrize("write", [_patch, _put, _put_if_match])
def test_of_many_writes_at_once_each_counts_or_is_refused_and_none_is_half_seen(
    crm: Product, alice: httpx.Client, manager: httpx.Client, write: Write
) -> None:
    invoice = _invoice(alice)
    path, seen = f"/api/v1/Invoice/{invoice['id']}", []

    async def run() -> list[httpx.Response]:
        done = asyncio.Event()

        async def read(client: httpx.AsyncClient) -> None:
            last = 0
            while not done.is_set():
                document = (await client.get(path)).json()
                _whole(document)
                assert document["_version"] >= last
                last = document["_version"]
                listed = await client.get("/api/v1/Invoice", params={"fields": "items,total", "limit": 3})
                for one in listed.json()["items"]:
                    if one["id"] == invoice["id"]:
                        _whole(one)
                seen.append(last)

        async with _many(crm, manager) as readers, _many(crm, alice) as writers:
            reading = [asyncio.create_task(read(readers)) for _ in range(READERS)]
            numbers = iter(range(1, WRITES + 1))

            async def work() -> list[httpx.Response]:
                return [await write(writers, path, number) for number in numbers]

            responses = [one for part in await asyncio.gather(*(work() for _ in range(CONNECTIONS))) for one in part]
            done.set()
            await asyncio.gather(*reading)
            return responses

    responses = asyncio.run(run())
    statuses = _statuses(responses)
    refusal = 412 if write is _put_if_match else 409
    assert statuses.keys() <= {200, refusal, 503} and statuses[200] >= 1 and statuses.total() == WRITES
    assert all("retry-after" in response.headers for response in responses if response.status_code == 503)
    won = [response.json() for response in responses if response.status_code == 200]
    assert sorted(document["_version"] for document in won) == list(range(2, len(won) + 2))
    last = alice.get(path).json()
    assert last == max(won, key=lambda document: int(document["_version"])) and len(seen) > READERS
    for document in won:
        _whole(document)


@pytest.mark.parametrize("verb", ["submit", "cancel"])
def test_of_many_transitions_at_once_one_counts(
    crm: Product, alice: httpx.Client, manager: httpx.Client, verb: str
) -> None:
    invoice = _invoice(alice)
    path = f"/api/v1/Invoice/{invoice['id']}"
    if verb == "cancel":
        manager.post(f"{path}/submit").raise_for_status()
    before = alice.get(path).json()["_version"]
    statuses = _statuses(_at_once(crm, manager, *[("POST", f"{path}/{verb}", None)] * 20))
    assert statuses[200] == 1 and statuses.keys() <= {200, 409, 503}
    assert alice.get(path).json()["_version"] == before + 1


def test_a_submit_among_writes_freezes_the_document(crm: Product, alice: httpx.Client, manager: httpx.Client) -> None:
    invoice = _invoice(alice)
    path = f"/api/v1/Invoice/{invoice['id']}"
    requests: list[tuple[str, str, Any]] = [("PATCH", path, {"items": _lines(number)}) for number in range(1, 25)]
    requests.insert(8, ("POST", f"{path}/submit", None))
    responses = _at_once(crm, manager, *requests)
    assert _statuses(responses).keys() <= {200, 409, 503}
    final = manager.get(path).json()
    won = [response.json() for response in responses if response.status_code == 200]
    assert final["_version"] == 1 + len(won)
    _whole(final)
    submitted = [document for document in won if document["docstatus"] == 1]
    assert len(submitted) <= 1
    if submitted:
        assert submitted[0]["_version"] == final["_version"] and submitted[0]["items"] == final["items"]


def test_of_many_deletes_at_once_one_counts(crm: Product, alice: httpx.Client) -> None:
    customer = alice.post("/api/v1/Customer", json={"full_name": "x"}).json()["id"]
    statuses = _statuses(_at_once(crm, alice, *[("DELETE", f"/api/v1/Customer/{customer}", None)] * 20))
    assert statuses[204] == 1 and statuses.keys() <= {204, 404, 409, 503}


def test_a_unique_value_is_given_once(crm: Product, alice: httpx.Client, bob: httpx.Client) -> None:
    code = str(uuid4())
    statuses = _statuses(_at_once(crm, alice, *[("POST", "/api/v1/Item", {"item_code": code})] * 20))
    assert statuses[201] == 1 and statuses.keys() <= {201, 409, 503}
    wanted = json.dumps([{"field": "item_code", "operator": "eq", "value": code}])
    assert alice.get("/api/v1/Item", params={"filters": wanted, "count": "exact"}).json()["total"] == 1


def test_names_of_a_series_are_given_once(crm: Product, alice: httpx.Client) -> None:
    customers = [alice.post("/api/v1/Customer", json={"full_name": "x"}).json()["id"] for _ in range(60)]
    responses = _at_once(crm, alice, *[("POST", "/api/v1/Invoice", {"customer": customer}) for customer in customers])
    assert _statuses(responses) == {201: 60}
    assert len({response.json()["name"] for response in responses}) == 60


@pytest.mark.parametrize("doctype", ["Contact", "Invoice"])
def test_nothing_that_lives_links_to_what_is_gone(crm: Product, alice: httpx.Client, doctype: str) -> None:
    """While a customer is deleted others are linked to it: one of the two comes first."""
    linked = {"full_name": "x"} if doctype == "Contact" else {"items": _lines(0)}
    rounds: list[tuple[str, list[tuple[str, str, Any]]]] = []
    for number in range(30):
        customer = alice.post("/api/v1/Customer", json={"full_name": "x"}).json()["id"]
        other = alice.post("/api/v1/Customer", json={"full_name": "x"}).json()["id"]
        contact = alice.post("/api/v1/Contact", json={"full_name": "x", "customer": other}).json()["id"]
        both: list[tuple[str, str, Any]] = [
            ("DELETE", f"/api/v1/Customer/{customer}", None),
            ("POST", f"/api/v1/{doctype}", {**linked, "customer": customer}),
            ("PATCH", f"/api/v1/Contact/{contact}", {"customer": customer}),
        ]
        rounds.append((customer, both if number % 2 else both[::-1]))
    responses = iter(_at_once(crm, alice, *(request for _, both in rounds for request in both)))
    outcomes: Counter[bool] = Counter()
    for customer, both in rounds:
        got = {method: next(responses) for method, _, _ in both}
        deleted = got["DELETE"].status_code == 204
        linking = [got[method].status_code for method in ("POST", "PATCH")]
        assert got["DELETE"].status_code in {204, 409, 503} and set(linking) <= {200, 201, 400, 503}
        assert (alice.get(f"/api/v1/Customer/{customer}").status_code == 404) is deleted
        assert not (deleted and {200, 201} & set(linking)), (got["DELETE"].text, linking)
        outcomes[deleted] += 1
    assert outcomes
