"""Compute calls: what a form would hold if it was stored now, on every store, without any effect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pytest

from framework_m import Controller, DocType, Field, Today, computed
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import (
    EntityNotFoundError,
    LinkTargetError,
    NoGrantError,
    OutsideScopeError,
    RateLimitError,
    ValidationError,
)
from framework_m_core.domain.filters.tree import EVERYTHING, Comparison, Filter
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_testing.fakes.permission import FakePermission

from .wiring import CONTEXT, Wired, services_over, wired


class Thing(DocType):
    title: str = ""
    price: Decimal = Field(default=Decimal(0), scale=2)


class Piece(DocType):
    thing: UUID = Field(link="Thing")
    price: Decimal | None = Field(default=None, scale=2, fetch_from="thing.price")
    qty: int = 1

    @computed(scale=2)
    def amount(self) -> Decimal:
        return self.qty * (self.price or Decimal(0))

    class Meta:
        is_child_table = True


class Basket(DocType):
    buyer: str = Field(min_length=3)
    day: date = Field(default=Today())
    secret: int = Field(default=5, permlevel=1)
    parts: list[Piece] = []

    @computed(scale=2)
    def total(self) -> Decimal:
        return sum((part.amount for part in self.parts), Decimal(0))

    @computed
    def greeting(self) -> str:
        return "Dear " + self.buyer

    class Meta:
        naming = "B-.##"
        field_levels: ClassVar = {1: {"read": ["Boss"], "write": ["Boss"]}}
        submittable = True


class BasketController(Controller[Basket]):
    async def validate(self) -> None:
        assert self.doc.buyer != "hook"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Thing, Piece, Basket):
        builder.add_doctype(doctype, "shop")
    builder.add_controller(BasketController)
    async with wired(database_url, builder.freeze()) as opened:
        yield opened


async def _compute(
    shop: Wired, data: dict[str, Any], ref: Any = None, caller: Principal = CONTEXT.principal
) -> dict[str, Any]:
    registry = shop.adapters.registry_handle.current
    context = RequestContext(caller, registry=registry)
    return await shop.documents.previews.compute(context, registry.get("Basket"), data, ref)


async def test_a_new_form_has_defaults_fetched_and_computed_values_and_leaves_nothing(shop: Wired) -> None:
    thing = await shop.create("Thing", title="Cup", price="2.50")
    before = await shop.dump()
    form = await _compute(shop, {"parts": [{"thing": thing["name"], "qty": 3}, {"thing": str(thing["id"])}]})
    assert form["total"] == Decimal("10.00")
    assert [(row["price"], row["amount"], "id" in row) for row in form["parts"]] == [
        (Decimal("2.50"), Decimal("7.50"), False),
        (Decimal("2.50"), Decimal("2.50"), False),
    ]
    assert (form["buyer"], form["greeting"], form["secret"]) == (None, None, 5)
    assert isinstance(form["day"], date)
    assert "name" not in form
    assert await _compute(shop, {"buyer": "hook"}) == {
        **form, "buyer": "hook", "greeting": "Dear hook", "parts": [], "total": Decimal("0.00"),
    }  # fmt: skip
    assert await shop.dump() == before
    assert (await shop.create("Basket", buyer="Ada"))["name"] == "B-01"


async def test_a_form_of_a_stored_document_is_computed_with_its_changes(shop: Wired) -> None:
    cup, pot = [await shop.create("Thing", price=price) for price in ("1", "10")]
    made = await shop.create("Basket", buyer="Ada", parts=[{"thing": str(cup["id"])}])
    [row] = made["parts"]
    changed = {"parts": [{"id": str(row["id"]), "thing": str(pot["id"])}, {"thing": str(cup["id"]), "qty": 2}]}
    form = await _compute(shop, changed, made["name"])
    assert (form["total"], form["buyer"], form["parts"][0]["id"]) == (Decimal("12.00"), "Ada", row["id"])
    assert await shop.stored("Basket", made["id"]) == made
    await shop.documents.submit(CONTEXT, "Basket", made["id"])
    fixed = await _compute(shop, changed, made["id"])
    assert fixed["total"] == Decimal("1.00")


async def test_what_no_form_may_hold_is_refused(shop: Wired) -> None:
    with pytest.raises(ValidationError) as refused:
        await _compute(shop, {"total": "1", "secret": "x"})
    told = {(one.field, one.code) for one in refused.value.errors}
    assert told >= {("total", "not_writable"), ("secret", "wrong_type")}
    with pytest.raises(ValidationError):
        await _compute(shop, {"parts": [{"thing": "nothing"}]})
    with pytest.raises(LinkTargetError):
        await _compute(shop, {"parts": [{"thing": str(UUID(int=7))}]})
    with pytest.raises(EntityNotFoundError):
        await _compute(shop, {}, UUID(int=7))


async def test_what_is_not_filled_in_yet_is_no_error_beside_those_of_values(shop: Wired) -> None:
    with pytest.raises(ValidationError) as refused:
        await _compute(shop, {"secret": "x", "parts": [{"qty": 1}]})
    assert [(one.field, one.code) for one in refused.value.errors] == [("secret", "wrong_type")]


@pytest.mark.parametrize("stored", [False, True], ids=["new", "stored"])
async def test_neither_in_the_form_of_a_document_nor_in_rows(shop: Wired, stored: bool) -> None:
    rows = [{"qty": 1}, {"qty": "x"}, {"qty": 2, "thing": "nothing"}]
    ref = (await shop.create("Basket", buyer="Ada"))["id"] if stored else None
    with pytest.raises(ValidationError) as refused:
        await _compute(shop, {"day": "x", "buyer": "A", "parts": rows[:2]}, ref)
    told = {(one.field, one.code) for one in refused.value.errors}
    assert told == {("day", "wrong_type"), ("buyer", "out_of_bounds"), ("parts.1.qty", "wrong_type")}
    with pytest.raises(ValidationError) as refused:
        await _compute(shop, {"day": "x", "parts": rows[::2]}, ref)
    assert "required" not in {one.code for one in refused.value.errors}


async def test_a_form_shows_and_takes_what_its_caller_may_read_and_write(shop: Wired) -> None:
    made = await shop.create("Basket", buyer="Ada")
    not_eve = Comparison("buyer", "ne", "Eve")
    rules: dict[str, dict[str, Filter]] = {
        "create": {"Clerk": not_eve, "Seer": not_eve},
        "read": {"Seer": EVERYTHING, "Reader": EVERYTHING},
    }
    seen = services_over(shop.store, FakePermission(shop.adapters.registry_handle, rules=rules))
    clerk, seer, reader = (Principal(role, roles=frozenset({role})) for role in ("Clerk", "Seer", "Reader"))
    assert (await _compute(seen, {"buyer": "Ada"}, caller=clerk)).keys() == {"buyer", "day", "parts"}
    shown = await _compute(seen, {"buyer": "Ada"}, caller=seer)
    assert shown.keys() - {"amended_from"} == {"buyer", "day", "parts", "total", "greeting"}
    with pytest.raises(OutsideScopeError):
        await _compute(seen, {"buyer": "Eve"}, caller=clerk)
    with pytest.raises(NoGrantError):
        await _compute(seen, {}, made["id"], caller=seer)
    with pytest.raises(NoGrantError):
        await _compute(seen, {}, caller=reader)
    with pytest.raises(ValidationError):
        await _compute(seen, {"secret": 1}, caller=seer)


async def test_forms_take_places_of_heavy_reads(shop: Wired) -> None:
    heavy_reads = shop.queries.heavy_reads
    async with AsyncExitStack() as places:
        for _ in range(heavy_reads.share):
            await places.enter_async_context(heavy_reads.place(CONTEXT.principal.id))
        heavy_reads._wait_seconds = 0.01  # so that the test need not wait
        with pytest.raises(RateLimitError):
            await _compute(shop, {})
