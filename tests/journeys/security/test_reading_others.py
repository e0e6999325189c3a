"""Bob goes after alice's documents: by id, by name, by every parameter of a list, and through links."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from framework_m_core.domain.filters.tree import OPERATORS
from framework_m_standard.http.routes.access import RouteAccess, list_route_access
from tests.journeys.security.responses import faceless, refused

LINES = [{"description": "Chair", "qty": "2", "rate": "3.50"}]
DOCTYPES = ("Customer", "Contact", "Item", "Invoice")
ON_ONE = [
    pytest.param(route, id=f"{route.method}_{route.operation}{route.query}")
    for route in list_route_access()
    if "{doctype}/{id}" in route.path and route.path.startswith("/api/v1/")
]


@dataclass(frozen=True)
class Owned:
    """One document of each DocType, all of one owner, and the mark that all their texts carry."""

    mark: str
    documents: dict[str, dict[str, Any]]

    @property
    def texts(self) -> tuple[str, ...]:
        """What must appear nowhere else."""
        return (self.mark, *(document["id"] for document in self.documents.values()))


def _documents(client: httpx.Client) -> Owned:
    mark = f"mark{uuid4().hex}"

    def made(doctype: str, **values: Any) -> dict[str, Any]:
        response = client.post(f"/api/v1/{doctype}", json=values)
        assert response.status_code == 201, response.text
        return dict(response.json())

    customer = made("Customer", full_name=mark, email=f"{mark}@example.com", phone=mark, territory=mark, notes=mark)
    contact = made("Contact", full_name=mark, customer=customer["id"], email=mark, phone=mark)
    item = made("Item", item_code=mark, description=mark, rate="123.45")
    invoice = made("Invoice", customer=customer["id"], remarks=mark, items=[{**LINES[0], "description": mark}])
    return Owned(mark, {"Customer": customer, "Contact": contact, "Item": item, "Invoice": invoice})


@pytest.fixture(scope="module")
def of_alice(alice: httpx.Client) -> Owned:
    return _documents(alice)


@pytest.fixture(scope="module")
def of_bob(bob: httpx.Client) -> Owned:
    return _documents(bob)


def _list(client: httpx.Client, doctype: str, **asked: Any) -> httpx.Response:
    given = {name: value if isinstance(value, (str, int)) else json.dumps(value) for name, value in asked.items()}
    return client.get(f"/api/v1/{doctype}", params=given)


def _ids(response: httpx.Response) -> set[str]:
    assert response.status_code == 200, response.text
    return {item["id"] for item in response.json()["items"]}


# One document.


def _requests(route: RouteAccess, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a caller may send to a route; among it everything that only a caller who knows the document could."""
    version, tag = document["_version"], f'"{document["id"]}-{document["_version"]}"'
    bodies: list[Any] = [None]
    if route.method in {"PUT", "PATCH"}:
        echo = {name: value for name, value in document.items() if not isinstance(value, list)}
        bodies = [{"_version": version}, {"_version": 77}, {"nonsense": 1, "_version": version}, echo, {}]
    elif route.method == "POST":
        bodies = [None, {}, {"_version": version}, {"_version": 77}, {"owner": "bob"}]
    headers = [{}, {"if-match": tag}, {"if-match": '"x"'}, {"if-match": "*"}, {"if-none-match": tag}]
    for body in bodies:
        for header in headers:
            yield {"json": body, "headers": header}
    if route.method == "GET":
        for asked in ({"fields": "owner"}, {"fields": "nonsense"}, {"expand": "customer"}, {"expand": "nonsense"}):
            yield {"params": asked}


@pytest.mark.parametrize("route", ON_ONE)
def test_a_hidden_document_answers_as_one_that_never_was(
    alice: httpx.Client, bob: httpx.Client, of_alice: Owned, route: RouteAccess
) -> None:
    """Byte for byte, whatever is sent, by id and by name."""
    for doctype, document in of_alice.documents.items():
        for ref in (document["id"], document["id"].upper(), document["name"]):
            missing = str(uuid4()) if len(ref) == 36 else f"{ref[:-4]}9999"
            for given in _requests(route, document):
                seen, control = (
                    bob.request(route.method, route.path.format(doctype=doctype, id=one), **(query | given))
                    for one in (ref, missing)
                    for query in [{"params": dict([route.query.split("=")])} if route.query else {}]
                )
                assert seen.status_code >= 400, ref
                assert faceless(seen, ref, ref.lower()) == faceless(control, missing), given
                assert of_alice.mark not in seen.text, ref
        assert alice.get(f"/api/v1/{doctype}/{document['id']}").json() == document


def test_a_hidden_document_is_not_found_before_anything_else_is_said_of_the_request(
    bob: httpx.Client, of_alice: Owned
) -> None:
    invoice = of_alice.documents["Invoice"]
    path = f"/api/v1/Invoice/{invoice['id']}"
    tag = f'"{invoice["id"]}-1"'
    refused(bob.get(path, headers={"if-none-match": tag}), 404, "not_found")
    refused(bob.get(path, headers={"if-none-match": "*"}), 404, "not_found")
    refused(bob.put(path, json={"remarks": "x"}, headers={"if-match": tag}), 404, "not_found")
    refused(bob.patch(path, json={"_version": 99}), 404, "not_found")
    refused(bob.delete(path), 404, "not_found")
    refused(bob.delete(path, params={"hard": "true"}), 403, "no_grant")


# Lists.


def _value(operator: str, value: Any) -> Any:
    """An operand with which `operator` holds of a field with this value."""
    pattern = str(value).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {
        "ne": None,
        "lt": None,
        "gt": None,
        "in": [value],
        "not_in": [],
        "like": f"{pattern[:-1]}%",
        "ilike": f"%{pattern[1:].upper()}",
        "contains": str(value)[1:-1],
        "starts_with": str(value)[:5],
        "between": [value, value],
        "is_null": value is None,
    }.get(operator, value)


def _filters(document: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Every operator on every field that takes it, true of the document."""
    for field, value in document.items():
        if isinstance(value, list) or value is None:
            yield from [] if isinstance(value, list) else [(field, "is_null", True)]
            continue
        for operator in OPERATORS:
            if (operand := _value(operator, value)) is not None:
                yield field, operator, operand
            elif operator == "ne":
                yield field, "ne", str(uuid4()) if isinstance(value, str) and len(value) == 36 else value


@pytest.mark.parametrize("doctype", DOCTYPES)
def test_no_filter_shows_or_counts_what_is_hidden(
    alice: httpx.Client, bob: httpx.Client, of_alice: Owned, of_bob: Owned, doctype: str
) -> None:
    document, true_of_alices = of_alice.documents[doctype], 0
    own = _list(bob, doctype, count="exact").json()["total"]
    assert own >= 1
    for number, (field, operator, operand) in enumerate(_filters(document)):
        asked = {"field": field, "operator": operator, "value": operand}
        never = {"field": "id", "operator": "is_null", "value": True}
        tree = ([asked], {"or": [asked, never]}, {"not": {"not": asked}}, {"not": {"and": [{"not": asked}]}})[
            number % 4
        ]
        mine = _list(alice, doctype, filters=tree, count="exact", limit=500)
        if mine.status_code == 400:
            assert refused(mine, 400)["detail"] == refused(_list(bob, doctype, filters=tree), 400)["detail"]
            continue
        true_of_alices += document["id"] in _ids(mine)
        his = _list(bob, doctype, filters=tree, count="exact", limit=500)
        assert not _ids(his) & set(of_alice.texts) and of_alice.mark not in his.text, tree
        assert his.json()["total"] == len(_ids(his)) <= own
    assert true_of_alices > 60


@pytest.mark.parametrize("doctype", DOCTYPES)
def test_trees_that_hold_of_everything_show_only_what_is_ones_own(
    bob: httpx.Client, of_alice: Owned, of_bob: Owned, doctype: str
) -> None:
    own = _ids(_list(bob, doctype, limit=500))
    never = {"field": "id", "operator": "eq", "value": str(uuid4())}
    always = {"field": "id", "operator": "is_null", "value": False}
    hidden = {"field": "id", "operator": "eq", "value": of_alice.documents[doctype]["id"]}
    owner = {"field": "owner", "operator": "eq", "value": of_alice.documents[doctype]["owner"]}
    all_true: tuple[Any, ...] = (
        [],
        {"and": []},
        {"not": never},
        {"or": [always, hidden]},
        {"not": {"and": [hidden, owner]}},
        [[[]]],
    )
    for tree in all_true:
        assert _ids(_list(bob, doctype, filters=tree, limit=500)) == own, tree
    none_true: tuple[Any, ...] = ([hidden], [owner], {"or": []}, {"or": [hidden, owner]}, {"not": {"not": owner}})
    for tree in none_true:
        assert _ids(_list(bob, doctype, filters=tree, limit=500)) == set(), tree


@pytest.mark.parametrize("doctype", DOCTYPES)
def test_no_order_field_list_or_page_shows_what_is_hidden(
    bob: httpx.Client, of_alice: Owned, of_bob: Owned, doctype: str
) -> None:
    document = of_bob.documents[doctype]
    scalars = [name for name, value in document.items() if not isinstance(value, list)]
    for name in scalars:
        for order in (name, f"-{name}"):
            page = _list(bob, doctype, order_by=order, limit=500, fields=",".join(document), count="exact")
            assert not _ids(page) & set(of_alice.texts) and of_alice.mark not in page.text, order
            assert page.json()["total"] == len(_ids(page)), order
    for offset in (0, 1, 100, 10_000):
        assert of_alice.mark not in _list(bob, doctype, offset=offset, limit=500).text, offset


# Cursors.


def _cursor(*content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_a_cursor_of_another_user_leads_to_ones_own_documents(
    alice: httpx.Client, bob: httpx.Client, of_alice: Owned, of_bob: Owned
) -> None:
    for number in range(3):
        alice.post("/api/v1/Customer", json={"full_name": f"{of_alice.mark} {number}"})
        bob.post("/api/v1/Customer", json={"full_name": f"{of_bob.mark} {number}"})
    for order in ({}, {"order_by": "full_name"}, {"order_by": "-full_name"}, {"order_by": "owner,creation"}):
        cursor = _list(alice, "Customer", limit=1, **order).json()["next_cursor"]
        seen = _list(bob, "Customer", cursor=cursor, limit=500, count="exact", **order)
        assert of_alice.mark not in seen.text and len(_ids(seen)) <= seen.json()["total"], order


def test_forged_cursors_are_filters_within_the_scope_or_refused(
    bob: httpx.Client, of_alice: Owned, of_bob: Owned
) -> None:
    top, bottom = "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000001"
    for moment in ("9999-12-30T00:00:00Z", "2000-01-01T00:00:00Z", of_alice.documents["Customer"]["creation"]):
        for id in (top, bottom, of_alice.documents["Customer"]["id"]):
            seen = _list(bob, "Customer", cursor=_cursor("-creation,-id", [moment, id]), limit=500, count="exact")
            assert of_alice.mark not in seen.text and of_alice.documents["Customer"]["id"] not in _ids(seen), (
                moment,
                id,
            )
    refusals = [
        _cursor("creation,id", ["2000-01-01T00:00:00Z", bottom]),
        _cursor("-creation,-id,owner", ["2000-01-01T00:00:00Z", bottom, "x"]),
        _cursor("-creation,-id", ["2000-01-01T00:00:00Z"]),
        _cursor("-creation,-id", ["2000-01-01T00:00:00Z", bottom, "x"]),
        _cursor("-creation,-id", [None, None]),
        _cursor("-creation,-id", ["' OR 1=1 --", bottom]),
        _cursor("-creation,-id", [{"field": "owner"}, bottom]),
        _cursor("-creation,-id) OR (1=1", ["2000-01-01T00:00:00Z", bottom]),
        _cursor("owner", ["x"]),
        _cursor("-creation,-id"),
        _cursor(),
        "",
        "x",
        "a" * 9_000,
    ]
    for cursor in refusals:
        refused(bob.get("/api/v1/Customer", params={"cursor": cursor}), 400, "bad_query")
    refused(_list(bob, "Customer", order_by="full_name", cursor=refusals[0]), 400, "bad_query")


@pytest.mark.parametrize(
    "raw",
    [
        b'["-creation,-id",[1e99999999999999999999,1]]',
        b'["-creation,-id",[NaN,Infinity]]',
        b'["-creation,-id",["\\ud800","\\ud800"]]',
        b'["-creation,-id",["\\u0000","x"]]',
        b"[" * 5_000,
        b"9" * 5_000,
        b'{"-creation,-id":1,"x":2}',
        b'["-creation,-id",' + b"9" * 5_000 + b"]",
        b"\xff\xfe\x00",
        b"null",
    ],
    ids=repr,
)
def test_a_cursor_of_poisoned_json_is_refused(bob: httpx.Client, raw: bytes) -> None:
    cursor = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    refused(bob.get("/api/v1/Customer", params={"cursor": cursor}), 400, "bad_query")


# What was deleted.


def test_deleted_documents_are_shown_to_those_alone_who_may_see_and_delete_them(
    alice: httpx.Client, bob: httpx.Client, manager: httpx.Client, nobody: httpx.Client
) -> None:
    mark = f"gone{uuid4().hex}"
    gone = alice.post("/api/v1/Customer", json={"full_name": mark}).json()["id"]
    assert alice.delete(f"/api/v1/Customer/{gone}").status_code == 204
    wanted = [{"field": "full_name", "operator": "eq", "value": mark}]
    for who, client in {"alice": alice, "manager": manager}.items():
        shown = _list(client, "Customer", filters=wanted, include_deleted="true", count="exact")
        assert _ids(shown) == {gone} and shown.json()["items"][0]["deleted_at"], who
        assert _ids(_list(client, "Customer", filters=wanted)) == set(), who
    hidden = _list(bob, "Customer", filters=wanted, include_deleted="true", count="exact")
    assert _ids(hidden) == set() and hidden.json()["total"] == 0
    refused(_list(nobody, "Customer", include_deleted="true"), 403, "no_grant")
    refused(_list(bob, "Customer", filters=[{"field": "deleted_at", "operator": "is_null", "value": False}]), 400)
    refused(_list(bob, "Customer", order_by="deleted_at"), 400, "bad_query")

    path = f"/api/v1/Customer/{gone}"
    for client in (alice, bob, manager):
        refused(client.get(path), 404, "not_found")
        refused(client.get(path, params={"fields": "deleted_at"}), 400, "bad_query")
        refused(client.patch(path, json={"full_name": "back"}), 404, "not_found")
        refused(client.patch(path, json={"deleted_at": None}), 404, "not_found")
        refused(client.delete(path), 404, "not_found")


# Links.


def _targets(alice: httpx.Client, bob: httpx.Client, of_alice: Owned) -> list[str]:
    """Ids that bob cannot read: another's, another DocType's, one that is deleted, one that never was."""
    deleted = bob.post("/api/v1/Customer", json={"full_name": "gone"}).json()["id"]
    assert bob.delete(f"/api/v1/Customer/{deleted}").status_code == 204
    own_item = bob.post("/api/v1/Item", json={"item_code": str(uuid4())}).json()["id"]
    return [of_alice.documents["Customer"]["id"], of_alice.documents["Invoice"]["id"], deleted, own_item, str(uuid4())]


@pytest.mark.parametrize("doctype", ["Contact", "Invoice"])
def test_links_to_hidden_missing_and_deleted_documents_answer_alike(
    alice: httpx.Client, bob: httpx.Client, of_alice: Owned, of_bob: Owned, doctype: str
) -> None:
    own = of_bob.documents[doctype]
    path = f"/api/v1/{doctype}/{own['id']}"
    extra = {"full_name": "x"} if doctype == "Contact" else {"items": LINES}
    for method, at, given in (
        ("POST", f"/api/v1/{doctype}", extra),
        ("PATCH", path, {}),
        ("PUT", path, {"_version": 1}),
    ):
        targets = _targets(alice, bob, of_alice)
        responses = [bob.request(method, at, json={**given, "customer": target}) for target in targets]
        problem = refused(responses[0], 400, "invalid_link")
        assert [error["field"] for error in problem["errors"]] == ["customer"], method
        looks = [faceless(response, target) for response, target in zip(responses, targets, strict=True)]
        assert all(look == looks[0] for look in looks), method
    assert bob.get(path).json() == own


def test_a_link_that_leads_out_of_sight_is_shown_as_an_id_alone(
    bob: httpx.Client, manager: httpx.Client, of_alice: Owned
) -> None:
    """The manager points bob's contact to alice's customer: what bob may not read he does not get by `expand`."""
    own = bob.post("/api/v1/Customer", json={"full_name": "bob's"}).json()["id"]
    contact = bob.post("/api/v1/Contact", json={"full_name": "x", "customer": own}).json()["id"]
    path = f"/api/v1/Contact/{contact}"
    assert bob.get(path, params={"expand": "customer"}).json()["customer"]["full_name"] == "bob's"
    hidden = of_alice.documents["Customer"]["id"]
    assert manager.patch(path, json={"customer": hidden}).status_code == 200
    for asked in ({"expand": "customer"}, {"expand": "customer", "fields": "customer"}):
        seen = bob.get(path, params=asked)
        assert seen.json()["customer"] == hidden and "territory" not in seen.text, asked
        listed = _list(bob, "Contact", limit=500, **asked)
        assert [item["customer"] for item in listed.json()["items"] if item["id"] == contact] == [hidden], asked
    for asked in ({"expand": "customer.owner"}, {"fields": "customer.owner"}):
        refused(bob.get(path, params=asked), 400, "bad_query")
    refused(_list(bob, "Contact", order_by="customer.owner"), 400, "bad_query")
    refused(_list(bob, "Contact", filters=[{"field": "customer.owner", "operator": "eq", "value": "x"}]), 400)
    # What bob did not change is not held against him.
    assert bob.patch(path, json={"phone": "1"}).status_code == 200


def test_a_value_that_is_taken_is_refused_without_a_word_about_who_has_it(
    alice: httpx.Client, bob: httpx.Client, of_alice: Owned
) -> None:
    response = bob.post("/api/v1/Item", json={"item_code": of_alice.mark})
    problem = refused(response, 409, "duplicate_value")
    assert not any(text in response.text for text in (*of_alice.texts, "alice", of_alice.documents["Item"]["owner"]))
    assert problem.keys() <= {"type", "title", "status", "detail", "code", "request_id", "errors"}
    assert [error["field"] for error in problem["errors"]] == ["item_code"]
