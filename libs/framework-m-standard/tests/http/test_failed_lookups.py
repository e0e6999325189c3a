"""A look-up that fails within an app's code is not the 404 of the document that the request names."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from framework_m_testing.apps import AppClient, open_app
from tests.errors import assert_names

APP = '''"""Sales, whose hooks look for a coupon."""

from uuid import UUID

from framework_m import Controller, DocType, Documents, EntityNotFoundError, requires_permission, rpc, whitelist

PERMISSIONS = {action: {"Clerk": "all"} for action in ("read", "create", "write", "delete", "submit", "cancel")}


class Coupon(DocType):
    class Meta:
        naming = "prompt"
        submittable = True
        permissions = PERMISSIONS


class Sale(DocType):
    coupon: str = ""
    verb: str = "get"

    class Meta:
        submittable = True
        permissions = PERMISSIONS


class SaleController(Controller[Sale]):
    async def validate(self) -> None:
        if self.doc.coupon == "stated":
            raise EntityNotFoundError("there is no such coupon any more")
        if self.doc.coupon == "misspelt":
            await self.documents.list("Coupn")
        if self.doc.coupon == "unsortable":
            await self.documents.list("Coupon", order_by="colour")
        if self.doc.coupon:
            more = {"update": ({},), "rename": ("other",), "get_value": ("name",)}.get(self.doc.verb, ())
            await getattr(self.documents, self.doc.verb)("Coupon", self.doc.coupon, *more)

    async def before_delete(self) -> None:
        await self.documents.get("Coupon", "gone")

    @whitelist
    @requires_permission("write")
    async def redeem(self, code: str, fallback: bool = False) -> str:
        found = await self.documents.get("Coupon", "default" if fallback else code)
        return found["name"]


@rpc("sales.redeem")
@requires_permission("read", "Sale")
async def redeem(coupon: UUID, documents: Documents) -> str:
    return (await documents.get("Coupon", coupon))["name"]


@rpc("sales.latest")
@requires_permission("read", "Sale")
async def latest(documents: Documents) -> list[str]:
    return [coupon["name"] for coupon in (await documents.list("Coupon", order_by="-colour")).items]


@rpc("sales.find")
@requires_permission("read", "Sale")
async def find(filters: list[dict[str, str]], documents: Documents) -> int:
    return await documents.count("Coupon", filters)


@rpc("sales.count")
@requires_permission("read", "Sale")
async def count(doctype: str, documents: Documents) -> int:
    return await documents.count(doctype)
'''
VERBS = ("get", "get_value", "update", "delete", "submit", "cancel", "rename")


@pytest.fixture(params=["memory", "sqlite"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AppClient]:
    """The app above, on two stores."""
    (tmp_path / "sales_app.py").write_text(APP)
    entry = '[project.entry-points."framework_m.apps"]\nsales = "sales_app"\n'
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "sales"\nversion = "1"\n{entry}')
    database = f"sqlite:///{tmp_path}/sales.db" if request.param == "sqlite" else None
    async with open_app(tmp_path, database=database) as opened:
        yield opened


async def send(app: AppClient, method: str, path: str, **body: Any) -> Any:
    async with app.client(app.user("Clerk")) as client:
        return await client.request(method, f"/api/v1/{path}", json=body)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_hook_that_does_not_catch_it_is_at_fault(
    app: AppClient, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    sale = await app.make("Sale")
    with caplog.at_level(logging.ERROR):
        for response in (
            await send(app, "POST", "Sale", coupon="gone", verb=verb),
            await send(app, "PATCH", f"Sale/{sale['id']}", coupon="gone", verb=verb),
            await send(app, "DELETE", f"Sale/{sale['id']}"),
        ):
            assert (response.status_code, response.json()["code"]) == (500, "internal_error"), response.url
            assert "gone" not in response.text, response.url
    logged = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert_names(logged, "Sale.validate", "Coupon", "'gone'")
    assert_names(logged, "Sale.before_delete", "Coupon", "'gone'")


async def test_a_doctype_that_a_hook_misspells_is_no_404_either(app: AppClient) -> None:
    response = await send(app, "POST", "Sale", coupon="misspelt")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")


@pytest.mark.parametrize(("method", "path"), [("POST", "Sale"), ("POST", "rpc/fn/sales.latest")])
async def test_a_query_that_code_misspells_is_not_the_callers(app: AppClient, method: str, path: str) -> None:
    body = {} if "rpc" in path else {"coupon": "unsortable"}
    response = await send(app, method, path, **body)
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "colour" not in response.text


async def test_a_query_that_an_argument_states_is_the_callers(app: AppClient) -> None:
    filters = [{"field": "colour", "operator": "eq", "value": "x"}]
    response = await send(app, "POST", "rpc/fn/sales.find", filters=filters)
    assert (response.status_code, response.json()["code"]) == (400, "bad_query")


async def test_a_hook_may_state_that_something_is_missing(app: AppClient) -> None:
    response = await send(app, "POST", "Sale", coupon="stated")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_the_requested_document_is_still_404(app: AppClient) -> None:
    for response in (
        await send(app, "PATCH", f"Sale/{uuid4()}"),
        await send(app, "DELETE", "Sale/nowhere"),
        await send(app, "POST", "rpc/Sale/redeem", doc_id="nowhere", code="x"),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "not_found"), response.url


async def test_what_an_argument_names_is_refused_at_the_argument(app: AppClient) -> None:
    sale, other = await app.make("Sale"), str(uuid4())
    for response, field in (
        (await send(app, "POST", "rpc/Sale/redeem", doc_id=str(sale["id"]), code="gone"), "code"),
        (await send(app, "POST", "rpc/fn/sales.redeem", coupon=other), "coupon"),
        (await send(app, "POST", "rpc/fn/sales.count", doctype="Coupn"), "doctype"),
    ):
        assert response.status_code == 400, field
        assert [(one["field"], one["code"]) for one in response.json()["errors"]] == [(field, "invalid_link")], (
            response.url
        )


async def test_what_no_argument_names_is_the_fault_of_the_method(app: AppClient) -> None:
    sale = await app.make("Sale")
    response = await send(app, "POST", "rpc/Sale/redeem", doc_id=str(sale["id"]), code="x", fallback=True)
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
