"""Bodies that set what is not the caller's to set: identity, ownership, state, version, hidden and computed fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.journeys.security.responses import fields_of, refused

OTHERS: dict[str, Any] = {
    "id": str(uuid4()),
    "name": "INV-2020-0001",
    "owner": "system",
    "creation": "2020-01-01T00:00:00Z",
    "modified": "2020-01-01T00:00:00Z",
    "modified_by": "system",
    "docstatus": 1,
    "deleted_at": "2020-01-01T00:00:00Z",
    "total": "0.01",
    "customer_name": "Somebody Else",
}
UNKNOWN: dict[str, Any] = {
    "row_version": 7,
    "tenant": "other",
    "tenant_id": "other",
    "m_tenant": "other",
    "parent": str(uuid4()),
    "idx": 3,
    "_owner": "system",
    "Owner": "system",
    "owner ": "system",
    "doc_status": 1,
    "__class__": "Invoice",
    "model_config": {"extra": "allow"},
    "permissions": {},
    "epoch": 1,
}
LINE = {"description": "Chair", "qty": "2", "rate": "3.50"}


def _customer(client: httpx.Client) -> str:
    return str(client.post("/api/v1/Customer", json={"full_name": "Mass & Assigned"}).json()["id"])


def _invoice(client: httpx.Client, **values: Any) -> dict[str, Any]:
    body = {"customer": _customer(client), "items": [LINE, {**LINE, "qty": "1"}], **values}
    made = client.post("/api/v1/Invoice", json=body)
    assert made.status_code == 201, made.text
    return dict(made.json())


def _read(client: httpx.Client, document: dict[str, Any], doctype: str = "Invoice") -> dict[str, Any]:
    return dict(client.get(f"/api/v1/{doctype}/{document['id']}").json())


@pytest.mark.parametrize("who", ["alice", "manager", "admin"])
def test_no_caller_sets_them_on_create(
    clients: Mapping[str, httpx.Client], subtests: pytest.Subtests, who: str
) -> None:
    client = clients[who]
    customer = _customer(client)
    before = client.get("/api/v1/Invoice", params={"count": "exact", "limit": 1}).json()["total"]
    for field, given in {**OTHERS, "_version": 1, **UNKNOWN}.items():
        values: tuple[Any, ...] = (given, None, "", [], False)
        for value in values:
            with subtests.test(field=field, value=value):
                problem = refused(client.post("/api/v1/Invoice", json={"customer": customer, field: value}), 400)
                assert fields_of(problem) == {field}
    assert client.get("/api/v1/Invoice", params={"count": "exact", "limit": 1}).json()["total"] == before


def test_all_of_them_are_named_at_once(alice: httpx.Client) -> None:
    problem = refused(alice.post("/api/v1/Invoice", json={**OTHERS, **UNKNOWN, "customer": _customer(alice)}), 400)
    assert fields_of(problem) == {*OTHERS, *UNKNOWN}
    codes = {error["field"]: error["code"] for error in problem["errors"]}
    assert {codes[name] for name in OTHERS} == {"not_writable"} and {codes[name] for name in UNKNOWN} == {
        "unknown_field"
    }


@pytest.mark.parametrize("who", ["alice", "manager", "admin"])
def test_no_caller_changes_them(
    clients: Mapping[str, httpx.Client], alice: httpx.Client, subtests: pytest.Subtests, who: str
) -> None:
    client, invoice = clients[who], _invoice(alice)
    path = f"/api/v1/Invoice/{invoice['id']}"
    for field, given in {**OTHERS, **UNKNOWN}.items():
        for value in (given, None, "", True, "00000000-0000-0000-0000-000000000000"):
            if value is None and field == "deleted_at":
                continue
            with subtests.test(field=field, value=value):
                changed = client.patch(path, json={field: value, "remarks": "taken"})
                replaced = client.put(path, json={"_version": 1, field: value, "remarks": "taken"})
                for response in (changed, replaced):
                    assert fields_of(refused(response, 400)) == {field}, response.request.method
    assert _read(clients["manager"], invoice) == invoice


@pytest.mark.parametrize("who", ["alice", "manager", "admin"])
def test_an_echo_of_what_was_served_is_taken(
    clients: Mapping[str, httpx.Client], alice: httpx.Client, who: str
) -> None:
    client = clients[who]
    invoice = _invoice(alice)
    path = f"/api/v1/Invoice/{invoice['id']}"
    response = client.put(path, json={**client.get(path).json(), "remarks": "changed"})
    assert response.status_code == 200, response.text
    changed = {"remarks", "modified", "modified_by", "_version"}
    assert {name for name in invoice if response.json()[name] != invoice[name]} <= changed
    assert response.json()["owner"] == invoice["owner"] and response.json()["_version"] == 2
    # The same echo again is of a version that is over, whatever else it holds.
    refused(client.put(path, json={**invoice, "remarks": "late"}), 409, "version_conflict")


@pytest.mark.parametrize("version", ["1", 1.0, True, [1], {"eq": 1}, "null"])
def test_a_version_is_an_integer_and_nothing_else(alice: httpx.Client, version: Any) -> None:
    invoice = _invoice(alice)
    for method in ("PUT", "PATCH"):
        response = alice.request(
            method, f"/api/v1/Invoice/{invoice['id']}", json={"_version": version, "remarks": "taken"}
        )
        assert fields_of(refused(response, 400)) == {"_version"}, method
    assert _read(alice, invoice) == invoice


@pytest.mark.parametrize("version", [0, -1, 2, 2**31, 2**63 - 1, -(2**63)])
def test_a_version_that_is_not_the_stored_one_changes_nothing(alice: httpx.Client, version: int) -> None:
    invoice = _invoice(alice)
    path = f"/api/v1/Invoice/{invoice['id']}"
    for method in ("PUT", "PATCH"):
        refused(alice.request(method, path, json={"_version": version, "remarks": "x"}), 409, "version_conflict")
    refused(alice.put(path, json={"remarks": "x"}), 428, "precondition_required")
    refused(alice.put(path, json={"remarks": "x", "_version": None}), 428, "precondition_required")
    tag = f'"{invoice["id"]}-{version}"'
    refused(alice.put(path, json={"remarks": "x", "_version": 1}, headers={"if-match": tag}), 412)
    assert _read(alice, invoice) == invoice


def test_a_create_never_becomes_an_update(alice: httpx.Client, bob: httpx.Client) -> None:
    invoice = _invoice(alice)
    for client in (alice, bob):
        for given in ({"id": invoice["id"]}, {"name": invoice["name"]}, {"id": invoice["id"], "_version": 1}):
            response = client.post("/api/v1/Invoice", json={"customer": _customer(client), "remarks": "taken", **given})
            assert fields_of(refused(response, 400)) == given.keys(), given
        refused(client.post(f"/api/v1/Invoice/{invoice['id']}", json={"remarks": "taken"}), 405)
    assert _read(alice, invoice) == invoice


def test_an_update_never_becomes_a_create(alice: httpx.Client) -> None:
    missing = f"/api/v1/Customer/{uuid4()}"
    for method in ("PUT", "PATCH"):
        refused(alice.request(method, missing, json={"full_name": "New", "_version": 1}), 404, "not_found")
        refused(alice.request(method, missing, json={"full_name": "New"}, headers={"if-match": "*"}), 404, "not_found")
    refused(alice.get(missing), 404, "not_found")


@pytest.mark.parametrize(
    "field",
    ["parent", "idx", "owner", "name", "creation", "modified", "modified_by", "docstatus", "_version", "row_version"],
)
def test_child_rows_take_only_their_own_fields(alice: httpx.Client, field: str) -> None:
    invoice = _invoice(alice)
    at = f"items.0.{field}"
    for value in (str(uuid4()), 1, None, "alice"):
        created = alice.post(
            "/api/v1/Invoice", json={"customer": invoice["customer"], "items": [{**LINE, field: value}]}
        )
        assert fields_of(refused(created, 400)) == {at}, value
        for row in ({**LINE, field: value}, {"id": invoice["items"][0]["id"], field: value}):
            changed = alice.patch(f"/api/v1/Invoice/{invoice['id']}", json={"items": [row]})
            assert fields_of(refused(changed, 400)) == {at}, (value, row)
    assert _read(alice, invoice) == invoice


def test_rows_of_other_documents_cannot_be_taken(alice: httpx.Client, bob: httpx.Client) -> None:
    mine, other, foreign = _invoice(alice), _invoice(alice), _invoice(bob)
    dropped = mine["items"][1]["id"]
    path = f"/api/v1/Invoice/{mine['id']}"
    mine = dict(alice.patch(path, json={"items": [mine["items"][0]]}).json())
    kept = mine["items"][0]["id"]
    strangers = [other["items"][0]["id"], foreign["items"][0]["id"], foreign["id"], mine["id"], dropped, str(uuid4())]
    for stranger in (*strangers, "", "1", 1, None, [], {"id": kept}, "0" * 32):
        rows = [{**LINE, "id": stranger}]
        created = alice.post("/api/v1/Invoice", json={"customer": mine["customer"], "items": rows})
        assert fields_of(refused(created, 400)) == {"items.0.id"}, stranger
        changed = alice.patch(path, json={"items": [*mine["items"], *rows]})
        problem = refused(changed, 400)
        assert fields_of(problem) == {"items.1.id"} and problem["errors"][0]["code"] == "unknown_row", stranger
    twice = alice.patch(path, json={"items": [{"id": kept}, {"id": kept}]})
    assert fields_of(refused(twice, 400)) == {"items.1.id"}
    created = alice.post("/api/v1/Invoice", json={"customer": mine["customer"], "items": [{**LINE, "id": kept}]})
    assert fields_of(refused(created, 400)) == {"items.0.id"}
    assert _read(alice, mine) == mine and _read(alice, other) == other and _read(bob, foreign) == foreign


def test_a_row_keeps_its_id_and_a_new_one_gets_a_server_made_id(alice: httpx.Client) -> None:
    invoice = _invoice(alice)
    first, second = invoice["items"]
    rows = [{"id": second["id"].upper(), "qty": "9"}, LINE]
    changed = alice.patch(f"/api/v1/Invoice/{invoice['id']}", json={"items": rows}).json()
    assert [row["id"] == second["id"] for row in changed["items"]] == [True, False]
    assert changed["items"][1]["id"] not in {first["id"], second["id"]}
    assert changed["items"][0] == {**second, "qty": "9.000", "amount": "31.50"} and changed["total"] == "38.50"


@pytest.mark.parametrize("value", [1, 2, "1", 1.0, True, "Submitted", 3, -1])
def test_nobody_submits_by_writing_the_state(
    alice: httpx.Client, manager: httpx.Client, admin: httpx.Client, value: Any
) -> None:
    invoice = _invoice(alice)
    path = f"/api/v1/Invoice/{invoice['id']}"
    clients = {"alice": alice, "manager": manager, "admin": admin}
    for who, client in clients.items():
        for method in ("PUT", "PATCH"):
            response = client.request(method, path, json={"_version": 1, "docstatus": value})
            assert fields_of(refused(response, 400)) == {"docstatus"}, (who, method)
    assert _read(alice, invoice) == invoice

    submitted = manager.post(f"{path}/submit").json()
    assert submitted["docstatus"] == 1
    for who, client in clients.items():
        if value != 1 or isinstance(value, (bool, float)):
            response = client.patch(path, json={"docstatus": value, "remarks": "taken"})
            assert fields_of(refused(response, 400)) == {"docstatus"}, who
        assert fields_of(refused(client.patch(path, json={"docstatus": 0}), 400)) == {"docstatus"}, who
    assert _read(alice, invoice) == submitted


@pytest.mark.parametrize("verb", ["submit", "cancel"])
@pytest.mark.parametrize("field", ["remarks", "docstatus", "owner", "items", "id", "customer"])
def test_transitions_take_no_fields(alice: httpx.Client, manager: httpx.Client, verb: str, field: str) -> None:
    invoice = _invoice(alice)
    path = f"/api/v1/Invoice/{invoice['id']}"
    if verb == "cancel":
        invoice = manager.post(f"{path}/submit").json()
    response = manager.post(f"{path}/{verb}", json={"_version": invoice["_version"], field: invoice[field]})
    assert fields_of(refused(response, 400)) == {field}
    assert _read(manager, invoice) == invoice


def test_a_field_above_the_callers_level_is_not_set_and_not_lost(alice: httpx.Client, manager: httpx.Client) -> None:
    code = f"M-{uuid4()}"
    value: str | float | None
    for value in ("1.00", 1, None, "", "x"):
        made = alice.post("/api/v1/Item", json={"item_code": code, "cost": value})
        assert fields_of(refused(made, 400)) == {"cost"}, value
    item = alice.post("/api/v1/Item", json={"item_code": code, "rate": "9.00"}).json()
    path = f"/api/v1/Item/{item['id']}"
    assert manager.patch(path, json={"cost": "4.20"}).json()["cost"] == "4.20"

    for value in ("4.20", "4.2", 4.2, "9.99", None, "", "x"):
        for method in ("PUT", "PATCH"):
            response = alice.request(method, path, json={"_version": 2, "cost": value, "rate": "0.01"})
            assert fields_of(refused(response, 400)) == {"cost"}, (value, method)
    echoed = alice.put(path, json={**alice.get(path).json(), "description": "mine"})
    assert echoed.status_code == 200 and "cost" not in echoed.json()
    assert manager.get(path).json()["cost"] == "4.20" and manager.get(path).json()["rate"] == "9.00"


def test_administrators_do_not_write_what_the_framework_keeps_of_users(admin: httpx.Client) -> None:
    me = admin.get("/api/v1/auth/me").json()["id"]
    user = admin.get(f"/api/v1/User/{me}").json()
    assert user.keys().isdisjoint({"password", "password_hash", "secret_hash"})
    for field in ("epoch", "password", "password_hash", "name", "owner", "id", "is_superuser"):
        response = admin.patch(f"/api/v1/User/{me}", json={field: 5 if field == "epoch" else "x"})
        assert fields_of(refused(response, 400)) == {field}, field
    assert admin.get(f"/api/v1/User/{me}").json() == user
