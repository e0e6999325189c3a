"""Every row of the permission table, as the file states it, against every kind of caller."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from framework_m_standard.http.routes.access import CALLERS, RouteAccess, list_route_access
from tests.journeys.conftest import _product
from tests.journeys.product import Product, email
from tests.journeys.security.responses import faceless, inspect, refused

PARCEL = '''
"""What is sent."""

from framework_m import Comparison, Controller, DocType, Field, Or, UserAttribute, requires_permission, rpc, whitelist

MINE = Comparison("owner", "eq", UserAttribute("id"))
NORTH = Comparison("region", "eq", "North")
PUBLIC = Comparison("public", "eq", True)


class Parcel(DocType):
    """Public ones are seen by all of sales and changed by their owner alone; sales makes them in the North."""

    label: str
    region: str = Field(default="North")
    public: bool = Field(default=False)

    class Meta:
        naming = "PARCEL-.####"
        submittable = True
        permissions = {
            "read": {"Sales User": Or((MINE, PUBLIC)), "Looker": "all"},
            "create": {"Sales User": NORTH},
            "write": {"Sales User": "own"},
            "delete": {"Sales User": "own"},
            "purge": {"Sales User": "own"},
            "submit": {"Sales User": "own"},
            "cancel": {"Sales User": "own"},
            "amend": {"Sales User": "own"},
        }


class ParcelController(Controller[Parcel]):
    """Weighs parcels for those who may change them."""

    @whitelist
    @requires_permission("write")
    async def weigh(self) -> str:
        return f"{self.doc.label}: 2 kg"


@rpc("parcels.rates")
@requires_permission("create", "Parcel")
async def rates() -> list[int]:
    """For those who may send any."""
    return [5, 9]
'''
DECLARED = {"call_method": "write", "call_function": "create"}
"""The actions that the callables above require."""
USERS = {"alice": ("Sales User",), "bob": ("Sales User",), "looker": ("Looker",), "nobody": ()}
WHO = {
    "anonymous": "anonymous",
    "no_grant": "nobody",
    "outside_scope": "bob",
    "not_this": "bob",
    "allowed": "alice",
}
CODES = {401: "unauthenticated", 404: "not_found"}
ROUTES = list_route_access()
GUARDED = [route for route in ROUTES if route.action not in {"none", "login"}]
DOCUMENT_ROUTES = [route for route in ROUTES if "{doctype}" in route.path]
HIDDEN = ("InvoiceItem", "UserCredential", "UserSession", "LoginAttempt")


def each_route(routes: Iterable[RouteAccess]) -> pytest.MarkDecorator:
    """Run a test for each of these rows, named after it."""
    rows = [pytest.param(route, id=f"{route.method}_{route.operation}{route.query}") for route in routes]
    return pytest.mark.parametrize("route", rows)


@dataclass
class Post:
    """The post office: a CRM that also sends parcels, and who calls it."""

    product: Product
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def parcel(self, *, public: bool = False, of: str = "") -> dict[str, Any]:
        """A parcel of alice's that an operation can be asked for."""
        alice = self.clients["alice"]
        made = alice.post("/api/v1/Parcel", json={"label": "books", "public": public})
        assert made.status_code == 201, made.text
        for step in {"cancel": ["submit"], "amend": ["submit", "cancel"]}.get(of, []):
            made = alice.post(f"/api/v1/Parcel/{made.json()['id']}/{step}")
        if of == "restore":
            assert alice.delete(f"/api/v1/Parcel/{made.json()['id']}").status_code == 204
        return dict(made.json())

    def assert_unchanged(self, parcel: dict[str, Any], of: str) -> None:
        """The parcel is as it was made."""
        if of == "restore":
            where = [{"field": "id", "operator": "eq", "value": parcel["id"]}]
            given = {"include_deleted": "true", "filters": json.dumps(where)}
            (kept,) = self.clients["alice"].get("/api/v1/Parcel", params=given).json()["items"]
            assert kept["deleted_at"] is not None
            return
        kept = self.clients["alice"].get(f"/api/v1/Parcel/{parcel['id']}")
        assert kept.status_code == 200 and kept.json() == parcel

    def tokens(self, name: str) -> dict[str, Any]:
        """What a login gives."""
        given = {"username": email(name), "password": self.product.passwords[name]}
        return dict(self.clients["anonymous"].post("/api/v1/auth/login", json=given).json())


@pytest.fixture(scope="module")
def post(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    folder: Path = tmp_path_factory.mktemp(f"parcels-{store}")
    with _product(store, folder) as running:
        (running.app / "src" / "crm" / "doctypes" / "parcel.py").write_text(PARCEL)
        running.create_users(USERS)
        running.start()
        office = Post(running)
        for name in ("anonymous", *USERS):
            known = None if name == "anonymous" else name
            office.clients[name] = running.client(known, event_hooks={"response": [inspect]})
        yield office
        for client in office.clients.values():
            client.close()


def _path(route: RouteAccess, doctype: str, id: object) -> str:
    return route.path.format(
        doctype=doctype, id=id, method="weigh", function="parcels.rates", page="redoc", asset="open-swagger.js"
    )


def _action(route: RouteAccess) -> str:
    """What a caller needs leave for."""
    return DECLARED.get(route.operation, route.action)


def _ask(
    post: Post, client: httpx.Client, route: RouteAccess, doctype: str, parcel: dict[str, Any], **given: Any
) -> httpx.Response:
    """A request that would be served if its sender may send it."""
    path, region = _path(route, doctype, parcel["id"]), given.pop("region", "North")
    bodies: dict[str, Any] = {
        "create": {"label": "toys", "region": region},
        "replace": {"label": "toys", "_version": parcel["_version"]},
        "update": {"label": "toys"},
        "duplicate": {"region": region},
        "compute": {"data": {"label": "toys", "region": region}},
        "rename": {"name": f"toys {uuid4()}"},
        "login": {"username": email("nobody"), "password": post.product.passwords["nobody"]},
        "refresh": {"refresh_token": given.pop("refresh", "")},
        "call_method": {"doc_id": str(parcel["id"])},
    }
    body = bodies.get(route.operation)
    return client.request(
        route.method, path, params=dict([route.query.split("=")]) if route.query else None, json=body, **given
    )


@pytest.mark.parametrize("caller", CALLERS)
@each_route(ROUTES)
def test_every_route_answers_every_caller_as_the_table_says(post: Post, route: RouteAccess, caller: str) -> None:
    client = post.clients[WHO[caller]]
    beyond = caller in {"outside_scope", "not_this"}
    parcel = post.parcel(public=caller == "not_this", of=route.operation)
    given: dict[str, Any] = {"region": "South" if beyond else "North"}
    if route.operation == "refresh":
        given["refresh"] = post.tokens("nobody")["refresh_token"]
    if route.operation == "logout" and caller != "anonymous":
        given["headers"] = {"authorization": f"Bearer {post.tokens(WHO[caller])['access_token']}"}
    response = _ask(post, client, route, "Parcel", parcel, **given)

    expected = route.status[caller]
    assert response.status_code == expected, response.text
    if expected >= 400:
        by_rule = {"no_grant": "no_grant"}.get(caller, "outside_scope")
        problem = refused(response, expected, CODES.get(expected, by_rule))
        assert expected != 403 or problem["rule"].startswith("Parcel.")
        post.assert_unchanged(parcel, route.operation)
    if route.operation == "list" and expected == 200:
        listed = {item["id"] for item in client.get("/api/v1/Parcel", params={"limit": 500}).json()["items"]}
        assert (parcel["id"] in listed) is (caller != "outside_scope")


@each_route(DOCUMENT_ROUTES)
def test_who_may_only_look_may_do_nothing_else(post: Post, route: RouteAccess) -> None:
    parcel = post.parcel(of=route.operation)
    response = _ask(post, post.clients["looker"], route, "Parcel", parcel)
    if route.action in {"read", "authenticated"}:
        assert response.status_code == 200
    else:
        assert refused(response, 403, "no_grant")["rule"] == f"Parcel.{_action(route)}"
        post.assert_unchanged(parcel, route.operation)


@each_route(route for route in ROUTES if route.method == "GET")
def test_head_answers_as_get_without_a_body(post: Post, route: RouteAccess) -> None:
    parcel = post.parcel()
    for name in ("anonymous", "nobody", "bob", "alice"):
        client = post.clients[name]
        path = _path(route, "Parcel", parcel["id"])
        got, headed = client.get(path), client.request("HEAD", path)
        assert headed.content == b"" and faceless(headed)[:2] == faceless(got)[:2], name


@each_route(ROUTES)
def test_other_methods_are_refused_with_those_that_there_are(post: Post, route: RouteAccess) -> None:
    paths = {route.path, "/api/v1/{doctype}/{id}"} if route.operation in {"search", "compute"} else {route.path}
    known = {row.method for row in list_route_access() if row.path in paths} | {"OPTIONS"}
    known |= {"HEAD"} if "GET" in known else set()
    path = _path(route, "Parcel", uuid4())
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - known:
        for name in ("anonymous", "alice"):
            response = post.clients[name].request(method, path)
            assert response.status_code == 405, (method, name, response.text)
            assert {word.strip() for word in response.headers["allow"].split(",")} == known, name


@each_route(ROUTES)
def test_bad_credentials_are_refused_wherever_credentials_are_looked_at(post: Post, route: RouteAccess) -> None:
    good = post.tokens("alice")
    head, claims, signature = good["access_token"].split(".")
    turned = "A" if signature[9] != "A" else "B"
    forged = f"{head}.{claims}.{signature[:9]}{turned}{signature[10:]}"
    bad: list[dict[str, str]] = [
        {"authorization": "Bearer nonsense"},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {forged}"},
        {"authorization": f"Bearer {good['refresh_token']}"},
        {"authorization": good["access_token"]},
        {"authorization": "Basic YWxpY2U6YWxpY2U="},
        {"authorization": "Negotiate abc"},
        {"cookie": "m_session=nonsense"},
        {"cookie": f"m_session={good['refresh_token']}"},
        {"cookie": f"m_session={good['access_token']}"},
    ]
    parcel = post.parcel(of=route.operation)
    for headers in bad:
        refresh = post.tokens("nobody")["refresh_token"] if route.operation == "refresh" else ""
        response = _ask(post, post.clients["anonymous"], route, "Parcel", parcel, headers=headers, refresh=refresh)
        if route.action in {"none", "login"}:
            assert response.status_code == route.status["anonymous"], (headers, response.text)
        else:
            refused(response, 401, "unauthenticated")
            assert response.headers["www-authenticate"]
    post.assert_unchanged(parcel, route.operation)


@each_route(DOCUMENT_ROUTES)
def test_unknown_doctypes_child_tables_and_those_without_api_are_one_to_callers(post: Post, route: RouteAccess) -> None:
    parcel = {"id": uuid4(), "_version": 1}
    for doctype, name in product(("Nonsense", "parcel", *HIDDEN), ("anonymous", "nobody", "alice")):
        client = post.clients[name]
        response = _ask(post, client, route, doctype, parcel)
        missing = "method_not_found" if route.operation == "call_method" else "doctype_not_found"
        refused(response, *((401, "unauthenticated") if name == "anonymous" else (404, missing)))
        unknown = _ask(post, client, route, "NoSuchType", parcel)
        assert faceless(response, doctype, "NoSuchType") == faceless(unknown, doctype, "NoSuchType")


@pytest.mark.parametrize("suffix", ["", "/", "/%00", "/%ff", "/x", "/x/", "//", "/x/submit", "/%2F", "/x/nonsense"])
def test_anonymous_callers_cannot_tell_which_doctypes_there_are(post: Post, suffix: str) -> None:
    """Nor can those with bad credentials."""
    client = post.clients["anonymous"]
    for headers in ({}, {"authorization": "Bearer nonsense"}):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            parcel, parcle, credential, user = (
                faceless(client.request(method, f"/api/v1/{name}{suffix}", headers=headers), name)
                for name in ("Parcel", "Parcle", "UserCredential", "User")
            )
            assert parcel == parcle == credential == user, method


def test_metadata_shows_what_the_caller_may_see_and_nothing_else(post: Post) -> None:
    def seen(name: str) -> set[str]:
        modules = post.clients[name].get("/api/meta").json()["modules"]
        return {doctype["name"] for module in modules for doctype in module["doctypes"]}

    assert seen("nobody") == set()
    assert seen("looker") == {"Parcel"}
    assert seen("alice") == {"Parcel", "Contact", "Customer", "Invoice", "Item"}
    refused(post.clients["looker"].get("/api/meta/Customer"), 403, "no_grant")
    refused(post.clients["alice"].get("/api/meta/User"), 403, "no_grant")
    described = post.clients["looker"].get("/api/meta/Parcel").json()
    assert [action for action, allowed in described["permissions"].items() if allowed] == ["read"]
    assert all(shown["read_only"] for shown in described["fields"])


def test_administrators_doctypes_are_closed_to_all_others(post: Post) -> None:
    for doctype in ("User", "Role"):
        for name in ("nobody", "looker", "alice"):
            client = post.clients[name]
            if doctype == "Role":  # users are selected by everyone who has logged in
                refused(client.get(f"/api/v1/{doctype}"), 403, "no_grant")
            refused(client.get(f"/api/v1/{doctype}/{uuid4()}"), 403, "no_grant")
            refused(client.post(f"/api/v1/{doctype}", json={"name": "x"}), 403, "no_grant")
    me = post.clients["alice"].get("/api/v1/auth/me").json()["id"]
    refused(post.clients["alice"].get(f"/api/v1/User/{me}"), 403, "no_grant")
    refused(post.clients["alice"].patch(f"/api/v1/User/{me}", json={"roles": ["Administrator"]}), 403, "no_grant")
    assert post.clients["alice"].get("/api/v1/auth/me").json()["roles"] == ["Sales User"]
