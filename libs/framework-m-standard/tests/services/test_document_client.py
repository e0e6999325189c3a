"""Documents as code of apps finds, counts and iterates them, each as far as its caller may read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from framework_m import Comparison, DocType, Field
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import EntityNotFoundError, NoGrantError, QueryError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.client import DocumentClient
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired


class Parcel(DocType):
    """Of which clerks read the open ones, without their cost."""

    state: str = "Open"
    weight: Decimal = Field(default=Decimal(0), scale=2)
    due: date | None = None
    cost: int = Field(default=0, permlevel=1)

    class Meta:
        naming = "prompt"
        permissions = {"read": {"Clerk": Comparison("state", "eq", "Open")}}
        field_levels = {1: {"read": ["Boss"], "write": ["Boss"]}}


class Receipt(DocType):
    """Made by code alone, for those who may read their own."""

    class Meta:
        permissions = {"read": {"Clerk": "own"}}


@pytest.fixture
async def parcels(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    builder.add_doctype(Parcel, "post")
    builder.add_doctype(Receipt, "post")
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        boss = _client(opened, "Administrator", "Boss")
        for number in range(7):
            state = "Open" if number % 2 else "Sent"
            due = date(2030, 1, 1 + number) if number else None
            await boss.create(
                "Parcel", {"name": f"p{number}", "state": state, "weight": Decimal(number), "due": due, "cost": number}
            )
        yield opened


def _client(parcels: Wired, *roles: str) -> DocumentClient:
    return parcels.documents.client_for(RequestContext(Principal(roles[0], frozenset(roles))))


def _places(error: QueryError) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in error.errors]


async def test_counting_and_looking(parcels: Wired) -> None:
    boss, clerk = _client(parcels, "Administrator", "Boss"), _client(parcels, "Clerk")
    assert (await boss.count("Parcel"), await clerk.count("Parcel")) == (7, 3)
    assert await boss.count("Parcel", {"weight__gte": Decimal("2.00")}, state="Sent") == 3
    assert await boss.count("Parcel", due=None) == 1
    assert await boss.exists("Parcel", due=date(2030, 1, 3))
    assert await clerk.exists("Parcel", name="p1")
    assert not await clerk.exists("Parcel", name="p2")
    assert not await boss.exists("Parcel", state="Lost")


async def test_lists_by_mappings_and_keywords(parcels: Wired) -> None:
    boss = _client(parcels, "Administrator", "Boss")
    wanted: dict[str, Any] = {"state": "Sent", "weight__lt": 4}
    asked: list[tuple[Any, dict[str, Any]]] = [(wanted, {}), (None, wanted)]
    for filters, where in asked:
        page = await boss.list("Parcel", filters, order_by="name", **where)
        assert [one["name"] for one in page.items] == ["p0", "p2"]


@pytest.mark.parametrize("batch", [1, 2, 500])
async def test_iterating_over_all(parcels: Wired, batch: int) -> None:
    clerk = _client(parcels, "Clerk")
    found = [one async for one in clerk.iterate("Parcel", order_by="-weight", fields=["state"], batch=batch)]
    assert [(one["name"], one["state"]) for one in found] == [("p5", "Open"), ("p3", "Open"), ("p1", "Open")]


async def test_documents_written_while_iterating_do_not_shift_the_rest(parcels: Wired) -> None:
    boss, seen = _client(parcels, "Administrator", "Boss"), []
    async for one in boss.iterate("Parcel", order_by="name", batch=2):
        seen.append(one["name"])
        await boss.delete("Parcel", one["name"])
    assert seen == [f"p{number}" for number in range(7)]


async def test_values_that_no_cursor_holds_end_an_iteration(parcels: Wired) -> None:
    boss = _client(parcels, "Administrator", "Boss")
    for name in ("p0", "p1"):
        await boss.update("Parcel", name, {"state": "x" * 7_000})
    with pytest.raises(QueryError) as refused:
        _ = [one async for one in boss.iterate("Parcel", order_by="-state", batch=1)]
    assert _places(refused.value) == [("order_by", "not_sortable")]


async def test_one_value(parcels: Wired) -> None:
    boss, clerk = _client(parcels, "Administrator", "Boss"), _client(parcels, "Clerk")
    assert await boss.get_value("Parcel", "p3", "cost") == 3
    for hidden in ("cost", "nope"):
        with pytest.raises(QueryError) as refused:
            await clerk.get_value("Parcel", "p3", hidden)
        assert _places(refused.value) == [("field", "unknown_field")], hidden
    with pytest.raises(EntityNotFoundError):
        await clerk.get_value("Parcel", "p2", "state")


@pytest.mark.parametrize("where", [{"cost": 1}, {"nope": 1}, {"weight__like": "x"}, {"due__lt": "tomorrow"}])
async def test_conditions_that_the_caller_cannot_set_are_refused(parcels: Wired, where: dict[str, Any]) -> None:
    clerk = _client(parcels, "Clerk")
    for asked in (clerk.count("Parcel", **where), clerk.exists("Parcel", **where), clerk.list("Parcel", **where)):
        with pytest.raises(QueryError):
            await asked


@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        *[
            (verb, ("Parcel", 5, *more), "expected the id (UUID) or the name (str) of a Parcel, got 5")
            for verb, more in {
                "get": (),
                "get_value": ("state",),
                "update": ({},),
                "duplicate": (),
                "delete": (),
                "restore": (),
                "rename": ("other",),
                "submit": (),
                "cancel": (),
            }.items()
        ],
        *[
            (verb, (Parcel, *more), f"expected the name of a DocType, such as 'Customer', got {Parcel!r}")
            for verb, more in {"get": ("p1",), "list": (), "count": (), "exists": (), "create": ({},)}.items()
        ],
        *[
            (verb, arguments, "expected a mapping of the Parcel's fields to values, got a list")
            for verb, arguments in {
                "create": ("Parcel", ["secret"]),
                "update": ("Parcel", "p1", ["secret"]),
                "duplicate": ("Parcel", "p1", []),
            }.items()
        ],
    ],
)
async def test_arguments_of_other_types_are_refused_at_the_call(
    parcels: Wired, call: str, arguments: tuple[Any, ...], expected: str
) -> None:
    with pytest.raises(TypeError) as refused:
        await getattr(_client(parcels, "Administrator"), call)(*arguments)
    assert str(refused.value) == expected


async def test_what_elevated_work_makes_belongs_to_whom_it_was_made_for(parcels: Wired) -> None:
    ada, ben = (
        parcels.documents.client_for(RequestContext(Principal(id, frozenset({"Clerk"})))) for id in ("ada", "ben")
    )
    with pytest.raises(NoGrantError):
        await ada.create("Receipt", {})
    made = await ada.elevated("a parcel was paid").create("Receipt", {})
    assert (made["owner"], made["modified_by"]) == ("ada", "ada")
    assert (await ada.get("Receipt", made["id"]))["id"] == made["id"]
    with pytest.raises(EntityNotFoundError):
        await ben.get("Receipt", made["id"])
    changed = await ben.elevated("a correction").update("Receipt", made["id"], {"name": made["name"]})
    assert changed["owner"] == "ada"
    with pytest.raises(NoGrantError):
        await ada.update("Receipt", made["id"], {})
