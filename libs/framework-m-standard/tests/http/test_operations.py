"""One entry in the table of operations shows wherever routes are dispatched, permitted, described and listed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from framework_m_standard.cli.routes import _of_doctype
from framework_m_standard.http.documents import operation_table as operations
from framework_m_standard.http.documents.actions import Call, DocumentActions
from framework_m_standard.http.documents.operation import Operation
from framework_m_standard.http.documents.operation_schemas import schema_of_document
from framework_m_standard.http.documents.operation_table import list_document_operations
from framework_m_standard.http.routes.access import CALLERS, list_route_access
from framework_m_standard.http.wire.body_codec import read_body
from framework_m_standard.http.wire.responses import JSON, RawResponse, encode

from .conftest import OpenSite, make_registry

LIMIT = 32


async def echo(actions: DocumentActions, call: Call) -> RawResponse:
    """Answers with what it was asked."""
    await actions._require(call)
    body = await read_body(call.state.headers, call.receive, call.operation.body_limit or 0)
    told = {"operation": call.operation.name, "ref": call.ref, "body": body.decode()}
    return RawResponse(call.operation.statuses[0], encode(told), (JSON,))


ADDED = (
    Operation(name="tally", method="POST", path="{doctype}/tally", action="read", handler=echo, summary="Search",
              errors=(400, 401, 403), body_limit=LIMIT),
    Operation(name="stamp", method="POST", path="{doctype}/{id}/stamp", action="write", handler=echo,
              summary="Rename", errors=(400, 401, 403, 404), statuses=(202,), body_limit=LIMIT,
              response=schema_of_document,
              serves=lambda plan: plan.meta.submittable),
    Operation(name="versions", method="GET", path="{doctype}/{id}/versions", action="read", handler=echo,
              summary="Versions", body_limit=LIMIT),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_OPERATIONS", (*list_document_operations(), *ADDED))


async def test_it_is_dispatched_to_its_handler(open_site: OpenSite) -> None:
    async with open_site() as site, site.client("boss") as boss:
        made = await site.make()
        searched = await boss.post("/api/v1/Sale/tally", content=b"{}")
        assert searched.json() == {"operation": "tally", "ref": None, "body": "{}"}
        stampd = await boss.post(f"/api/v1/Sale/{made['id']}/stamp", content=b"x")
        assert (stampd.status_code, stampd.json()["ref"]) == (202, made["id"])
        head = await boss.head(f"/api/v1/Sale/{made['id']}/versions")
        assert (head.status_code, head.content) == (200, b"")
        wrong = await boss.delete(f"/api/v1/Sale/{made['id']}/stamp")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST, OPTIONS")


async def test_a_document_may_bear_the_name_of_a_word(open_site: OpenSite) -> None:
    """On the methods that the word does not take, it is a reference as any other."""
    async with open_site() as site, site.client("boss") as boss:
        assert (await boss.post("/api/v1/Tag", json={"name": "tally", "text": "found"})).status_code == 201
        assert (await boss.get("/api/v1/Tag/tally")).json()["text"] == "found"
        allowed = (await boss.options("/api/v1/Tag/tally")).headers["allow"]
        assert allowed == "DELETE, GET, HEAD, PATCH, POST, PUT, OPTIONS"


async def test_its_body_is_bounded_by_its_own_limit(open_site: OpenSite) -> None:
    async with open_site() as site, site.client("boss") as boss:
        assert (await boss.post("/api/v1/Sale/tally", content=b"x" * LIMIT)).status_code == 200
        assert (await boss.post("/api/v1/Sale/tally", content=b"x" * (LIMIT + 1))).status_code == 413


def test_the_permission_table_tells_its_statuses() -> None:
    rows = {row.operation: row for row in list_route_access()}
    assert [rows["tally"].status[caller] for caller in CALLERS] == [401, 403, 200, 200, 200]
    assert [rows["stamp"].status[caller] for caller in CALLERS] == [401, 403, 404, 403, 202]
    assert (rows["versions"].method, rows["versions"].path) == ("GET", "/api/v1/{doctype}/{id}/versions")


async def test_who_may_not_is_refused(open_site: OpenSite) -> None:
    async with open_site() as site:
        made = await site.make()
        for name, status in ((None, 401), ("nobody", 403), ("boss", 202)):
            async with site.client(name) as client:
                assert (await client.post(f"/api/v1/Sale/{made['id']}/stamp")).status_code == status, name


async def test_the_openapi_document_describes_it(open_site: OpenSite) -> None:
    async with open_site() as site, site.client("reader") as reader:
        paths: dict[str, Any] = (await reader.get("/schema/openapi.json")).json()["paths"]
    described = paths["/api/v1/Sale/{id}/stamp"]
    assert described["post"]["operationId"] == "stampSale"
    assert set(described["post"]["responses"]) == {"202", "400", "401", "403", "404"}
    assert described["parameters"][0]["name"] == "id"
    assert "/api/v1/Sale/tally" in paths
    assert not any("Problem" in path for path in paths), "the reader has no grant on it"


def test_it_is_listed() -> None:
    lines = list(_of_doctype(make_registry(), "Sale"))
    assert ("POST", "/api/v1/Sale/tally", "read Sale") in lines
    assert ("POST", "/api/v1/Sale/{id}/stamp", "write Sale") in lines
    assert ("POST", "/api/v1/Problem/{id}/stamp", "write Problem") not in _of_doctype(make_registry(), "Problem")


@pytest.mark.parametrize("path", ["", "{id}", "{doctype}/{name}", "{doctype}/a/b", "/{doctype}", "{doctype}/Search"])
def test_a_path_that_is_never_matched_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=rf"\bpath\b.*{re.escape(repr(path))}"):
        Operation(name="x", method="GET", path=path, action="read", handler=echo, summary="")


@pytest.mark.parametrize("action", ["", "login", "approve", "Read"])
def test_an_action_that_the_framework_does_not_have_is_refused(action: str) -> None:
    with pytest.raises(ValueError, match=rf"\bread, .*{re.escape(repr(action))}"):
        Operation(name="x", method="GET", path="{doctype}", action=action, handler=echo, summary="")


def test_each_route_and_each_name_is_there_once() -> None:
    routes = [(one.method, one.path, one.variant) for one in list_document_operations()]
    names = [one.name for one in list_document_operations()]
    assert len(set(routes)) == len(routes) and len(set(names)) == len(names)
