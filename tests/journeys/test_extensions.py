"""What a package adds to DocTypes, over HTTP: field types, one of which takes a port, an action and `ext` options."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from framework_m_core.domain.context import make_system_context
from framework_m_core.domain.errors import ConfigurationError
from framework_m_testing.apps import AppClient, open_app

ACME = Path(__file__).parents[1] / "third_parties" / "acme-money"
PROJECT = """
    [project]
    name = "deals"
    version = "0.1.0"
    [project.entry-points."framework_m.apps"]
    deals = "deals"
    [project.entry-points."framework_m.actions"]
    export = "deals.extensions:EXPORT"
"""
EXTENSIONS = """
    from framework_m_core.spi import Action

    EXPORT = Action("export", changes=False)
"""
APP = """
    from datetime import timedelta

    from acme_money import Money

    from framework_m import Controller, DocType, Field, requires_permission, whitelist

    from decimal import Decimal


    class Cost(DocType):
        what: str
        amount: Money | None = None

        class Meta:
            is_child_table = True


    class Deal(DocType):
        title: str = Field(unique=True)
        price: Money = Field(default=Money(Decimal("1.00"), "EUR"), ext={"acme": {"account": 4400}})
        price_amount: int = 0
        deposit: Money | None = Field(default=None, unique=True)
        length: timedelta | None = Field(default=None, index=True)
        contract: bytes | None = None
        approved: bool = Field(default=False, read_only=True)
        costs: list[Cost] = []

        class Meta:
            ext = {"acme": {"ledger": "sales"}}
            permissions = {
                "read": {"Clerk": "all", "Chief": "all"}, "create": {"Clerk": "all"}, "write": {"Clerk": "all"},
                "approve": {"Chief": "all"}, "export": {"Clerk": "all"},
            }


    class DealController(Controller[Deal]):
        @whitelist()
        @requires_permission("approve")
        async def approve(self) -> bool:
            self.doc.approved = True
            return self.doc.approved

        @whitelist()
        @requires_permission("export")
        async def shown(self) -> dict[str, object]:
            found = await self.documents.get("Deal", self.doc.id)
            return {"price": found["price"], "length": found["length"]}
"""
EUR = {"amount": "12.50", "currency": "EUR"}
USD = {"amount": "12.50", "currency": "USD"}


def _acme_entry_points() -> str:
    """The package's own entry points, for an app that declares them itself, without installing the package."""
    text = (ACME / "pyproject.toml").read_text()
    return text[text.index('[project.entry-points."framework_m.field_types"]') : text.index("[tool.hatch")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An app that uses the package."""
    declared = _acme_entry_points().replace('[project.entry-points."framework_m.actions"]\n', "")
    own, shared = dedent(PROJECT).lstrip(), declared
    own += 'approve = "acme_money:APPROVE"\n' + shared.replace('approve = "acme_money:APPROVE"\n', "")
    (tmp_path / "pyproject.toml").write_text(own)
    (tmp_path / "deals").mkdir()
    (tmp_path / "deals" / "__init__.py").write_text(dedent(APP))
    (tmp_path / "deals" / "extensions.py").write_text(dedent(EXTENSIONS))
    monkeypatch.syspath_prepend(str(ACME / "src"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in {"deals", "acme_money"}]:
        del sys.modules[name]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """The address of an empty database; None for memory."""
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path / 'deals.db'}" if request.param == "sqlite" else None


@pytest.fixture
async def app(folder: Path, database: str | None) -> AsyncIterator[AppClient]:
    """The app on one store."""
    async with open_app(folder, database=database) as opened:
        yield opened


@pytest.fixture
async def clerk(app: AppClient) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who makes deals."""
    async with app.client(app.user("Clerk")) as client:
        yield client


async def _made(clerk: httpx.AsyncClient, **body: Any) -> Mapping[str, Any]:
    response = await clerk.post("/api/v1/Deal", json=body)
    assert response.status_code == 201, response.text
    made: Mapping[str, Any] = response.json()
    return made


async def _titles(clerk: httpx.AsyncClient, field: str, operator: str, value: Any, order: str = "title") -> list[str]:
    tree = json.dumps([{"field": field, "operator": operator, "value": value}])
    response = await clerk.get("/api/v1/Deal", params={"filters": tree, "order_by": order, "limit": 100})
    assert response.status_code == 200, response.text
    return [item["title"] for item in response.json()["items"]]


async def test_values_are_kept_and_changed_as_they_travel(clerk: httpx.AsyncClient) -> None:
    made = await _made(
        clerk, title="a", price=EUR, length="90.000001", contract="AP8=", costs=[{"what": "ink", "amount": USD}]
    )
    assert (made["price"], made["length"], made["contract"]) == (EUR, "90.000001", "AP8=")
    assert made["costs"][0]["amount"] == USD
    read = await clerk.get(f"/api/v1/Deal/{made['id']}")
    assert read.json() == made
    changed = (await clerk.patch(f"/api/v1/Deal/{made['id']}", json={"price": USD, "contract": None})).json()
    assert (changed["price"], changed["contract"], changed["costs"]) == (USD, None, made["costs"])
    echoed = await clerk.put(f"/api/v1/Deal/{made['id']}", json=changed)
    assert echoed.status_code == 200, echoed.text
    assert (await _made(clerk, title="b"))["price"] == {"amount": "1.00", "currency": "EUR"}


@pytest.mark.parametrize(
    "body",
    [
        {"price": {"amount": "1.00", "currency": "XXX"}}, {"price": 5}, {"price": {"amount": "1"}},
        {"length": "1"}, {"length": 5}, {"contract": "?"}, {"price": None},
    ],
)  # fmt: skip
async def test_what_is_no_value_is_refused_by_its_field(clerk: httpx.AsyncClient, body: dict[str, Any]) -> None:
    response = await clerk.post("/api/v1/Deal", json={"title": "a", **body})
    assert response.status_code == 400, response.text
    assert [error["field"] for error in response.json()["errors"]] == [*body]


async def test_filters_and_orders_are_those_that_the_type_offers(clerk: httpx.AsyncClient) -> None:
    await _made(clerk, title="a", price=EUR, length="9.000000")
    await _made(clerk, title="b", price=USD, length="10.000000", deposit=EUR)
    await _made(clerk, title="c", price=EUR)
    assert await _titles(clerk, "price", "eq", EUR) == ["a", "c"]
    assert await _titles(clerk, "price", "ne", EUR) == ["b"]
    assert await _titles(clerk, "deposit", "is_null", True) == ["a", "c"]
    assert await _titles(clerk, "deposit", "ne", USD) == ["a", "b", "c"]
    assert await _titles(clerk, "length", "gt", "9.000000") == ["b"]
    assert await _titles(clerk, "length", "in", ["9.000000", "10.000000"], "-length") == ["b", "a"]
    for field, operator in (("price", "gt"), ("price", "in"), ("price", "contains"), ("price.currency", "eq")):
        tree = json.dumps([{"field": field, "operator": operator, "value": "EUR"}])
        response = await clerk.get("/api/v1/Deal", params={"filters": tree})
        assert response.status_code == 400, (field, operator)
        assert "money" in response.json()["detail"], (field, operator)
        expected = "part_of_value" if "." in field else "unsupported_operator"
        assert [one["code"] for one in response.json()["errors"]] == [expected], (field, operator)
    assert (await clerk.get("/api/v1/Deal", params={"order_by": "price"})).status_code == 400


async def test_pages_follow_a_cursor_over_a_sortable_type(clerk: httpx.AsyncClient) -> None:
    for title, length in (("a", "9.000000"), ("b", "10.000000"), ("c", "-1.000000"), ("d", "11.500000")):
        await _made(clerk, title=title, length=length)
    found, cursor = [], None
    while True:
        asked = {"order_by": "length", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await clerk.get("/api/v1/Deal", params=asked)).json()
        found += [item["title"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert found == ["c", "a", "b", "d"]


async def test_a_value_of_several_columns_is_unique_as_a_whole(clerk: httpx.AsyncClient) -> None:
    await _made(clerk, title="a", deposit=EUR)
    await _made(clerk, title="b", deposit=USD)
    response = await clerk.post("/api/v1/Deal", json={"title": "c", "deposit": EUR})
    assert response.status_code == 409, response.text
    assert response.json()["code"] == "duplicate_value"
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("deposit", "duplicate_value")]


async def test_an_action_of_a_package_is_granted_required_and_shown(app: AppClient, clerk: httpx.AsyncClient) -> None:
    made = await _made(clerk, title="a", price=EUR, length="90.000000")
    refused = await clerk.post("/api/v1/rpc/Deal/approve", json={"doc_id": made["id"]})
    assert refused.status_code == 403, refused.text
    async with app.client(app.user("Chief")) as chief:
        assert (await chief.post("/api/v1/rpc/Deal/approve", json={"doc_id": made["id"]})).json() == {"result": True}
        told = (await chief.get("/api/meta/Deal")).json()
    assert (told["permissions"]["approve"], told["permissions"]["export"]) == (True, False)
    assert told["actions"]["approve"] == "Approve"
    shown = await clerk.post("/api/v1/rpc/Deal/shown", json={"doc_id": made["id"]})
    assert shown.json() == {"result": {"price": EUR, "length": "90.000000"}}, shown.text


async def test_metadata_and_schemas_tell_of_types_and_options(clerk: httpx.AsyncClient) -> None:
    made = await _made(clerk, title="a", price=EUR, length="90.000000", contract="AP8=")
    told = (await clerk.get("/api/meta/Deal")).json()
    fields = {field["name"]: field for field in told["fields"]}
    assert (fields["price"]["kind"], fields["price"]["type"], fields["price"]["widget"]) == ("custom", "money", "money")
    assert fields["price"]["operators"] == ["eq", "ne", "is_null"]
    assert (fields["length"]["sortable"], fields["price"]["sortable"]) == (True, False)
    assert fields["price"]["ext"] == {"acme": {"account": 4400}}
    assert told["ext"] == {"acme": {"ledger": "sales", "posts": True}}
    schema = told["schema"]
    Draft202012Validator(schema).validate(made)
    assert schema["properties"]["price"]["properties"].keys() == {"amount", "currency"}
    assert schema["properties"]["price"]["default"] == {"amount": "1.00", "currency": "EUR"}
    assert schema["properties"]["contract"]["anyOf"][0]["contentEncoding"] == "base64"
    described = (await clerk.get("/schema/openapi.json")).json()
    schemas = described["components"]["schemas"]
    prices = [schemas[name]["properties"]["price"]["$ref"] for name in ("Deal", "Deal-Create", "Deal-Update")]
    assert set(prices) == {"#/components/schemas/FieldType--money"}
    assert schemas["FieldType--money"]["properties"].keys() == {"amount", "currency"}
    [example] = schemas["Deal"]["examples"]
    assert (example["price"], example["length"]) == (EUR, "90.000000")


async def test_the_audit_log_holds_values_as_they_travel(app: AppClient, clerk: httpx.AsyncClient) -> None:
    made = await _made(clerk, title="a", price=EUR, costs=[{"what": "ink", "amount": USD}], contract="AP8=")
    await clerk.patch(f"/api/v1/Deal/{made['id']}", json={"price": USD})
    audit = app.application.container.get("audit_log")
    context = make_system_context("a test", source="cli")
    id = (await app.application.documents.get(context, "Deal", made["name"]))["id"]
    first, second = await audit.list_entries(context, "Deal", id)
    assert (first.changes["price"], first.changes["contract"]) == (EUR, "AP8=")
    assert first.changes["costs"][0]["amount"] == USD
    assert second.changes["price"] == [EUR, USD]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"approve": {', '"aprove": {', "did you mean 'approve'?"),
        ('requires_permission("approve")', 'requires_permission("aprove")', "did you mean 'approve'?"),
        ('{"acme": {"ledger": "sales"}}', '{"acmee": {}}', "did you mean 'acme'?"),
        ('{"acme": {"ledger": "sales"}}', '{"acme": {}}', "Meta.ext.acme.ledger: Field required"),
        ('{"account": 4400}', '{"acount": 4400}', "did you mean 'account'?"),
        ('{"account": 4400}', '{"account": "x"}', "field 'price': ext.acme.account: "),
        ('Money(Decimal("1.00"), "EUR")', 'Decimal("1.00")', "got Decimal('1.00'), which is Decimal"),
        ("contract: bytes | None = None", "contract: bytes = Field(default=b'', index=True)", "field 'contract': "),
    ],
)
async def test_what_is_declared_wrongly_stops_the_start(folder: Path, before: str, after: str, said: str) -> None:
    file = folder / "deals" / "__init__.py"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))
    with pytest.raises(ConfigurationError) as refused:
        async with open_app(folder):
            pass
    assert said in str(refused.value) + " ".join(refused.value.errors)
