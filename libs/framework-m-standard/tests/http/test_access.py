"""The permission table, by every route and every kind of caller."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from framework_m_core.domain.documents.reserved_names import check_reserved_doctype
from framework_m_standard import http
from framework_m_standard.http.app_routes.paths import check_path
from framework_m_standard.http.documents.operation_table import list_document_operations
from framework_m_standard.http.routes.access import CALLERS, RouteAccess, list_route_access, list_unguarded_paths
from framework_m_standard.http.routes.table import FIXED_ROUTES

from .conftest import PASSWORD

WHO = {"anonymous": None, "no_grant": "nobody", "outside_scope": "owner", "not_this": "reader", "allowed": "boss"}
BODIES: dict[str, Any] = {
    "create": {"title": "new"},
    "compute": {"data": {"title": "new"}},
    "replace": {"title": "new", "_version": 1},
    "update": {"title": "new"},
    "rename": {"name": "new"},
    "login": {"username": "boss@example.com", "password": PASSWORD},
    "call_function": {"starting": "a"},
}
CASES = [pytest.param(route, caller, id=f"{route.operation}-{route.action}-{caller}")
         for route in list_route_access() for caller in CALLERS]  # fmt: skip


def test_every_route_says_what_every_caller_gets() -> None:
    assert list_route_access()
    assert all(tuple(route.status) == CALLERS for route in list_route_access())


def test_routes_are_listed_once() -> None:
    keys = [(route.method, route.path, route.query) for route in list_route_access()]
    assert len(set(keys)) == len(keys)


def test_every_route_is_stated_in_one_table() -> None:
    documents, fixed = [one.name for one in list_document_operations()], [one.name for one in FIXED_ROUTES]
    assert [route.operation for route in list_route_access()] == [*documents, *fixed]


@pytest.mark.parametrize("path", sorted({one.path for one in FIXED_ROUTES} - {"/"}))
def test_every_fixed_route_is_reserved(path: str) -> None:
    """A DocType cannot have its name, nor the route of an app its path."""
    first = path.removeprefix("/api").removeprefix("/v1").split("/")[1]
    assert [*check_reserved_doctype(first.title())] != []
    assert [*check_path(path)] != []


def test_handlers_take_their_path_and_method_from_the_table() -> None:
    sources = [path for path in Path(http.__file__).parent.rglob("*.py") if path.name != "table.py"]
    assert len(sources) > 20
    assert not [path for path in sources if re.search(r"@(get|head|post|put|patch|delete|route)\(", path.read_text())]


def test_only_open_routes_look_at_no_credentials() -> None:
    assert list_unguarded_paths() == {b"/", b"/health", b"/ready", b"/api/v1/auth/login", b"/api/v1/auth/refresh"}


@pytest.mark.parametrize(("route", "caller"), CASES)
async def test_status(open_site: Any, route: RouteAccess, caller: str) -> None:
    async with open_site(open_to_guests=False) as site:
        document = await site.make()
        for step in {"cancel": ["submit"], "amend": ["submit", "cancel"]}.get(route.operation, []):
            async with site.client("boss") as boss:
                assert (await boss.post(f"/api/v1/Sale/{document['id']}/{step}")).status_code == 200
        if route.operation == "restore":
            async with site.client("boss") as boss:
                assert (await boss.delete(f"/api/v1/Sale/{document['id']}")).status_code == 204
        # Of a document that is yet to be, only the scope of its creation can be missed.
        who = "reader" if route.operation in {"create", "compute"} and caller == "outside_scope" else WHO[caller]
        async with site.client(who) as client:
            response = await ask(client, route, document)
        assert response.status_code == route.status[caller], response.text


async def ask(client: httpx.AsyncClient, route: RouteAccess, document: dict[str, Any]) -> httpx.Response:
    filled = {"method": "priced", "function": "sales.titles", "page": "swagger", "asset": "swagger-ui.css"}
    path = route.path.format(doctype="Sale", id=document["id"], **filled)
    url = f"{path}?{route.query}" if route.query else path
    bodies = {**BODIES, "call_method": {"doc_id": document["id"]}}
    if route.operation == "refresh":
        login = await client.post("/api/v1/auth/login", json=BODIES["login"])
        bodies["refresh"] = {"refresh_token": login.json()["refresh_token"]}
    body = bodies.get(route.operation)
    return await client.request(route.method, url, json=body) if body else await client.request(route.method, url)
