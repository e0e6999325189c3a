"""`Idempotency-Key`: once means once, for one person, on one route, with one body."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.journeys.product import Product, email
from tests.journeys.security.responses import refused

AT_ONCE = 20
SAME = ("content-type", "etag", "location", "content-length", "cache-control", "vary")


def _keyed(client: httpx.Client, method: str, path: str, key: str, **given: Any) -> httpx.Response:
    return client.request(method, path, headers={"idempotency-key": key}, **given)


def _count(client: httpx.Client, doctype: str, field: str, value: str) -> int:
    asked = {"filters": json.dumps([{"field": field, "operator": "eq", "value": value}]), "count": "exact"}
    return int(client.get(f"/api/v1/{doctype}", params=asked).json()["total"])


def _same(first: httpx.Response, again: httpx.Response) -> None:
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert [first.headers.get(name) for name in SAME] == [again.headers.get(name) for name in SAME]


def test_the_same_request_gets_the_first_answer_again(alice: httpx.Client) -> None:
    name, key = str(uuid4()), str(uuid4())
    first, *others = (_keyed(alice, "POST", "/api/v1/Customer", key, json={"full_name": name}) for _ in range(4))
    assert first.status_code == 201 and first.headers["location"].endswith(first.json()["id"])
    assert first.headers["etag"].startswith(f'"{first.json()["id"]}-1-')
    for again in others:
        _same(first, again)
    assert _count(alice, "Customer", "full_name", name) == 1


def test_every_kind_of_write_is_done_once(alice: httpx.Client, manager: httpx.Client) -> None:
    customer = alice.post("/api/v1/Customer", json={"full_name": "x"}).json()["id"]
    invoice = alice.post("/api/v1/Invoice", json={"customer": customer}).json()
    path = f"/api/v1/Invoice/{invoice['id']}"
    writes: list[tuple[httpx.Client, str, str, Any]] = [
        (alice, "PATCH", path, {"remarks": "one"}),
        (alice, "PUT", path, {"_version": 2, "remarks": "two"}),
        (manager, "POST", f"{path}/submit", None),
        (manager, "POST", f"{path}/cancel", {}),
        (alice, "DELETE", path, None),
    ]
    for version, (client, method, at, body) in enumerate(writes, start=2):
        key = str(uuid4())
        first = _keyed(client, method, at, key, json=body)
        assert first.is_success, first.text
        _same(first, _keyed(client, method, at, key, json=body))
        assert method == "DELETE" or first.json()["_version"] == version
    _same(first, _keyed(alice, "DELETE", path, key))
    refused(alice.delete(path), 404, "not_found")


def test_a_replay_is_of_then_not_of_now(alice: httpx.Client) -> None:
    key, path = str(uuid4()), "/api/v1/Customer"
    first = _keyed(alice, "POST", path, key, json={"full_name": "then"})
    alice.patch(f"{path}/{first.json()['id']}", json={"full_name": "now"}).raise_for_status()
    _same(first, _keyed(alice, "POST", path, key, json={"full_name": "then"}))
    assert alice.get(f"{path}/{first.json()['id']}").json()["full_name"] == "now"
    assert alice.delete(f"{path}/{first.json()['id']}").status_code == 204
    _same(first, _keyed(alice, "POST", path, key, json={"full_name": "then"}))
    refused(alice.get(f"{path}/{first.json()['id']}"), 404, "not_found")


def test_another_body_is_a_conflict(alice: httpx.Client) -> None:
    key, name = str(uuid4()), str(uuid4())
    first = _keyed(alice, "POST", "/api/v1/Customer", key, json={"full_name": name})
    for body in ({"full_name": "other"}, {}, {"full_name": name, "email": "x"}, {"full_name": name, "id": "x"}):
        problem = refused(_keyed(alice, "POST", "/api/v1/Customer", key, json=body), 409, "idempotency_conflict")
        assert first.json()["id"] not in json.dumps(problem), body
    _same(first, _keyed(alice, "POST", "/api/v1/Customer", key, json={"full_name": name}))


def test_a_key_belongs_to_one_person(
    alice: httpx.Client, bob: httpx.Client, manager: httpx.Client, nobody: httpx.Client, anonymous: httpx.Client
) -> None:
    key, name = str(uuid4()), str(uuid4())
    made = {
        client: _keyed(client, "POST", "/api/v1/Customer", key, json={"full_name": name})
        for client in (alice, bob, manager)
    }
    assert (
        len({response.json()["id"] for response in made.values()})
        == len({a.json()["owner"] for a in made.values()})
        == 3
    )
    assert {response.status_code for response in made.values()} == {201}
    # The others' bodies say nothing of whether the key is taken.
    assert _keyed(bob, "POST", "/api/v1/Contact", key, json={"full_name": "other"}).status_code == 201
    refused(_keyed(nobody, "POST", "/api/v1/Customer", key, json={"full_name": name}), 403, "no_grant")
    refused(_keyed(anonymous, "POST", "/api/v1/Customer", key, json={"full_name": name}), 401, "unauthenticated")
    _same(made[alice], _keyed(alice, "POST", "/api/v1/Customer", key, json={"full_name": name}))


def test_a_hidden_documents_key_is_not_replayed_to_others(alice: httpx.Client, bob: httpx.Client) -> None:
    key = str(uuid4())
    path = f"/api/v1/Customer/{alice.post('/api/v1/Customer', json={'full_name': 'x'}).json()['id']}"
    for method in ("PATCH", "DELETE"):
        body = {"phone": "1"} if method == "PATCH" else None
        assert _keyed(alice, method, path, key, json=body).is_success, method
        refused(_keyed(bob, method, path, key, json=body), 404, "not_found")


def test_a_key_is_for_one_method_and_path(alice: httpx.Client) -> None:
    key, body = str(uuid4()), {"full_name": str(uuid4())}
    first = _keyed(alice, "POST", "/api/v1/Customer", key, json=body)
    contact = _keyed(alice, "POST", "/api/v1/Contact", key, json=body)
    assert contact.status_code == 201 and contact.json()["id"] != first.json()["id"] and "customer" in contact.json()
    path = f"/api/v1/Customer/{first.json()['id']}"
    alice.patch(path, json={"full_name": "meanwhile"}).raise_for_status()
    changed = _keyed(alice, "PATCH", path, key, json=body)
    assert changed.status_code == 200 and changed.json()["_version"] == 3
    assert _keyed(alice, "PUT", path, key, json={**body, "phone": "1", "_version": 3}).json()["_version"] == 4
    assert _keyed(alice, "DELETE", path, key).status_code == 204
    _same(first, _keyed(alice, "POST", "/api/v1/Customer", key, json=body))


def test_reads_and_logins_are_never_kept(crm: Product, alice: httpx.Client, anonymous: httpx.Client) -> None:
    key = str(uuid4())
    customer = alice.post("/api/v1/Customer", json={"full_name": "one"}).json()
    path = f"/api/v1/Customer/{customer['id']}"
    assert _keyed(alice, "GET", path, key).json()["full_name"] == "one"
    alice.patch(path, json={"full_name": "two"}).raise_for_status()
    assert _keyed(alice, "GET", path, key).json()["full_name"] == "two"
    credentials = {"username": email("alice"), "password": crm.passwords["alice"]}
    tokens = [_keyed(anonymous, "POST", "/api/v1/auth/login", key, json=credentials).json() for _ in range(2)]
    assert tokens[0]["refresh_token"] != tokens[1]["refresh_token"]
    spent = {"refresh_token": tokens[0]["refresh_token"]}
    fresh = _keyed(anonymous, "POST", "/api/v1/auth/refresh", key, json=spent)
    assert fresh.status_code == 200
    again = {"refresh_token": fresh.json()["refresh_token"]}
    assert _keyed(anonymous, "POST", "/api/v1/auth/refresh", key, json=again).status_code == 200
    refused(_keyed(anonymous, "POST", "/api/v1/auth/refresh", key, json=spent), 401, "unauthenticated")


def test_what_failed_is_not_kept(alice: httpx.Client, manager: httpx.Client) -> None:
    key = str(uuid4())
    refused(_keyed(alice, "POST", "/api/v1/Customer", key, json={"full_name": ""}), 400)
    refused(_keyed(alice, "POST", "/api/v1/Customer", key, content=b"{", **{}), 415)
    refused(_keyed(alice, "POST", "/api/v1/Customer", key, json={"full_name": "x", "owner": "y"}), 400)
    made = _keyed(alice, "POST", "/api/v1/Customer", key, json={"full_name": "x"})
    assert made.status_code == 201

    code = str(uuid4())
    taken = alice.post("/api/v1/Item", json={"item_code": code}).json()["id"]
    refused(_keyed(alice, "POST", "/api/v1/Item", key, json={"item_code": code}), 409, "duplicate_value")
    alice.delete(f"/api/v1/Item/{taken}").raise_for_status()
    assert _keyed(alice, "POST", "/api/v1/Item", key, json={"item_code": code}).status_code == 201

    path = f"/api/v1/Customer/{made.json()['id']}"
    refused(_keyed(alice, "PATCH", path, key, json={"_version": 2, "phone": "1"}), 409, "version_conflict")
    alice.patch(path, json={"phone": "0"}).raise_for_status()
    assert _keyed(alice, "PATCH", path, key, json={"_version": 2, "phone": "1"}).json()["_version"] == 3

    invoice = alice.post("/api/v1/Invoice", json={"customer": made.json()["id"]}).json()["id"]
    refused(_keyed(alice, "POST", f"/api/v1/Invoice/{invoice}/submit", key), 403, "no_grant")
    assert _keyed(manager, "POST", f"/api/v1/Invoice/{invoice}/submit", key).status_code == 200


@pytest.mark.parametrize(
    "key", [b"", b"\xc3\xa9", b"\xff", b"a" * 256, b"a\tb"], ids=["empty", "utf-8", "latin", "long", "tab"]
)
def test_a_bad_key_is_refused(alice: httpx.Client, key: bytes) -> None:
    name = str(uuid4())
    refused(alice.post("/api/v1/Customer", json={"full_name": name}, headers={b"idempotency-key": key}), 400)
    assert _count(alice, "Customer", "full_name", name) == 0


def test_many_at_once_make_one_document(crm: Product, alice: httpx.Client) -> None:
    name, key = str(uuid4()), str(uuid4())
    customer = alice.post("/api/v1/Customer", json={"full_name": name}).json()["id"]
    invoice = {"customer": customer, "remarks": name, "items": [{"description": "x", "qty": 1, "rate": 1}]}

    async def all_at_once(path: str, body: dict[str, Any]) -> list[httpx.Response]:
        headers = {"authorization": alice.headers["authorization"], "idempotency-key": key}
        async with httpx.AsyncClient(base_url=crm.address, headers=headers, timeout=30) as client:
            return await asyncio.gather(*(client.post(path, json=body) for _ in range(AT_ONCE)))

    for doctype, body in (("Contact", {"full_name": name}), ("Invoice", invoice)):
        responses = asyncio.run(all_at_once(f"/api/v1/{doctype}", body))
        assert {response.status_code for response in responses} == {201}, [response.text for response in responses]
        assert len({response.content for response in responses}) == 1, doctype
        assert _count(alice, doctype, "remarks" if doctype == "Invoice" else "full_name", name) == 1, doctype


def test_many_bodies_at_once_under_one_key_make_one_document(crm: Product, alice: httpx.Client) -> None:
    key, mark = str(uuid4()), str(uuid4())

    async def all_at_once() -> list[httpx.Response]:
        headers = {"authorization": alice.headers["authorization"], "idempotency-key": key}
        async with httpx.AsyncClient(base_url=crm.address, headers=headers, timeout=30) as client:
            bodies = [{"full_name": f"{mark} {number}", "phone": mark} for number in range(AT_ONCE)]
            return await asyncio.gather(*(client.post("/api/v1/Contact", json=body) for body in bodies))

    responses = asyncio.run(all_at_once())
    assert sorted(response.status_code for response in responses) == [201] + [409] * (AT_ONCE - 1)
    assert _count(alice, "Contact", "phone", mark) == 1


def test_who_has_lost_the_grant_gets_no_replay(
    crm: Product, admin: httpx.Client, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    crm.create_users({"leaver": ("Sales User",)})
    key = str(uuid4())
    with crm.client("leaver") as leaver:
        id = leaver.get("/api/v1/auth/me").json()["id"]
        made = _keyed(leaver, "POST", "/api/v1/Customer", key, json={"full_name": "x"})
        assert made.status_code == 201
        admin.patch(f"/api/v1/User/{id}", json={"roles": []}).raise_for_status()
        eventually(lambda: leaver.get("/api/v1/auth/me").json()["roles"] == [])
        refused(_keyed(leaver, "POST", "/api/v1/Customer", key, json={"full_name": "x"}), 403, "no_grant")
        admin.patch(f"/api/v1/User/{id}", json={"enabled": False}).raise_for_status()
        eventually(lambda: leaver.get("/api/v1/auth/me").status_code == 401)
        refused(_keyed(leaver, "POST", "/api/v1/Customer", key, json={"full_name": "x"}), 401, "unauthenticated")


def test_who_may_see_less_than_before_gets_no_replay_of_it(
    crm: Product, admin: httpx.Client, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    crm.create_users({"demoted": ("Sales Manager",)})
    key, code = str(uuid4()), uuid4().hex
    item = admin.post("/api/v1/Item", json={"item_code": code, "cost": "77.77"}).json()["id"]
    with crm.client("demoted") as demoted:
        id = demoted.get("/api/v1/auth/me").json()["id"]
        first = _keyed(demoted, "PATCH", f"/api/v1/Item/{item}", key, json={"description": "z"})
        assert first.json()["cost"] == "77.77"
        admin.patch(f"/api/v1/User/{id}", json={"roles": ["Sales User"]}).raise_for_status()
        eventually(lambda: demoted.get("/api/v1/auth/me").json()["roles"] == ["Sales User"])
        again = _keyed(demoted, "PATCH", f"/api/v1/Item/{item}", key, json={"description": "z"})
        refused(again, 404, "not_found")
