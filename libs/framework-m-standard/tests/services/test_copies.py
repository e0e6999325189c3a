"""Fields that are set once and fields that no copy takes, on every store, in documents and in rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import pytest

from framework_m import Controller, DocType, Field
from framework_m_core.domain.context import Principal, RequestContext, make_system_context
from framework_m_core.domain.errors import EntityNotFoundError, NoGrantError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CLERK = RequestContext(Principal("clerk", frozenset({"Clerk"})))
BOSS = RequestContext(Principal("boss", frozenset({"Clerk", "Boss"})))
ROLES = {action: {"Clerk": "all"} for action in ("create", "read", "write", "submit", "delete", "purge")}


class Orientation(StrEnum):
    NORTH = "North"
    SOUTH = "South"


class Photo(DocType):
    """A row of a house."""

    caption: str = ""
    taken: date | None = Field(default=None, set_once=True)
    likes: int = Field(default=0, no_copy=True)
    checked: str = Field(default="", permlevel=1, set_once=True)

    class Meta:
        is_child_table = True
        field_levels = {1: {"write": ["Clerk"], "read": ["Boss"]}}


class House(DocType):
    """Something to sell."""

    title: str
    plot: str | None = Field(default=None, set_once=True)
    tags: list[str] = Field(default=[], set_once=True)
    garden: Orientation | None = Field(default=None, set_once=True)
    built: date | None = Field(default=None, no_copy=True)
    beside: UUID | None = Field(default=None, link="House", set_once=True)
    price: Decimal = Field(default=Decimal(0), scale=2)
    code: str | None = Field(default=None, unique=True)
    views: int = Field(default=7, read_only=True)
    secret: str = Field(default="", permlevel=1, set_once=True)
    photos: list[Photo] = []

    class Meta:
        submittable = True
        permissions = ROLES
        field_levels = {1: {"write": ["Clerk"], "read": ["Boss"]}}


class HouseController(Controller[House]):
    async def validate(self) -> None:
        if self.doc.title == "moved":
            self.doc.plot = "9"


class Street(DocType):
    """Named by its title."""

    title: str
    note: str = ""

    class Meta:
        naming = "field:title"
        permissions = {action: ROLES[action] for action in ("create", "read")}


class Sight(DocType):
    """May be made by clerks, and read by bosses alone."""

    title: str

    class Meta:
        permissions = {"create": {"Clerk": "all"}, "read": {"Boss": "all"}}


@pytest.fixture
async def town(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Photo, House, Street, Sight):
        builder.add_doctype(doctype, "town")
    builder.add_controller(HouseController)
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        yield opened


async def _refused(town: Wired, id: UUID, body: dict[str, Any], context: RequestContext = CLERK) -> list[Any]:
    with pytest.raises(ValidationError) as refused:
        await town.documents.update(context, "House", id, body)
    return [(error.field, error.code) for error in refused.value.errors]


async def test_a_field_is_set_once(town: Wired) -> None:
    made = await town.documents.create(CLERK, "House", {"title": "a", "garden": "North", "tags": ["x"]})
    filled = await town.documents.update(CLERK, "House", made["id"], {"plot": "1", "beside": made["id"]})
    assert (filled["plot"], filled["garden"], filled["beside"]) == ("1", "North", made["id"])
    other = await town.documents.create(CLERK, "House", {"title": "b"})
    body = {"plot": "2", "garden": "South", "tags": ["x", "y"], "beside": other["id"], "title": "c"}
    assert await _refused(town, made["id"], body) == [
        (name, "set_once") for name in ("plot", "tags", "garden", "beside")
    ]
    assert await _refused(town, made["id"], {"plot": None}) == [("plot", "set_once")]
    changed = await town.documents.update(CLERK, "House", made["id"], {**filled, "title": "c"})
    assert changed["title"] == "c"
    assert await town.documents.get(CLERK, "House", made["id"]) == changed


async def test_a_field_of_a_row_is_set_once(town: Wired) -> None:
    made = await town.documents.create(
        CLERK, "House", {"title": "a", "photos": [{"taken": "2026-01-01"}, {"caption": "late"}]}
    )
    dated, bare = made["photos"]
    rows = [{"id": bare["id"], "taken": "2026-02-02"}, {"id": dated["id"], "taken": "2026-03-03"}]
    assert await _refused(town, made["id"], {"photos": rows}) == [("photos.1.taken", "set_once")]
    rows = [{"id": bare["id"], "taken": "2026-02-02"}, {"id": dated["id"], "caption": "x"}, {"taken": "2026-04-04"}]
    changed = await town.documents.update(CLERK, "House", made["id"], {"photos": rows})
    assert [row["taken"] for row in changed["photos"]] == [date(2026, 2, 2), date(2026, 1, 1), date(2026, 4, 4)]


async def test_hooks_and_changes_in_place_keep_it_too(town: Wired) -> None:
    made = await town.documents.create(CLERK, "House", {"title": "a", "plot": "1"})
    assert await _refused(town, made["id"], {"title": "moved"}) == [("plot", "set_once")]
    system = make_system_context("move a house", source="cli")

    def move(house: House) -> None:
        house.plot = "3"

    with pytest.raises(ValidationError):
        await town.documents.change(system, "House", made["id"], move)
    waived = replace(system, waived=frozenset({"set_once"}))
    assert (await town.documents.change(waived, "House", made["id"], move))["plot"] == "3"


@pytest.mark.parametrize("guess", ["s", "t"])
async def test_a_guess_of_what_one_cannot_read_is_not_confirmed(town: Wired, guess: str) -> None:
    made = await town.documents.create(
        CLERK, "House", {"title": "a", "secret": "s", "photos": [{"checked": "s"}, {"caption": "b"}]}
    )
    assert await _refused(town, made["id"], {"secret": guess}) == [("secret", "set_once")]
    first, second = made["photos"]
    rows = [{"id": first["id"], "checked": guess}, {"id": second["id"]}]
    assert await _refused(town, made["id"], {"photos": rows}) == [("photos.0.checked", "set_once")]
    assert (await town.documents.update(BOSS, "House", made["id"], {"secret": "s"}))["_version"] == 1


async def test_a_copy_has_what_its_caller_may_read_and_set(town: Wired) -> None:
    made = await town.documents.create(
        CLERK,
        "House",
        {
            "title": "a", "plot": "1", "built": "2026-01-01", "price": "5.50", "code": "C", "secret": "s",
            "garden": "North", "tags": ["x"], "beside": None,
            "photos": [{"caption": "p", "likes": 3, "taken": "2026-01-01", "checked": "c"}],
        },
    )  # fmt: skip
    await town.documents.submit(CLERK, "House", made["id"])
    copied = await town.documents.duplicate(CLERK, "House", made["id"], {"title": "b"})
    assert copied["id"] != made["id"] and copied["docstatus"] == 0 and copied["_version"] == 1
    kept = {name: copied[name] for name in ("title", "plot", "price", "garden", "tags", "views")}
    assert kept == {"title": "b", "plot": "1", "price": Decimal("5.50"), "garden": "North", "tags": ["x"], "views": 7}
    assert (copied["built"], copied["code"]) == (None, None)
    [row], [before] = copied["photos"], made["photos"]
    assert row["id"] != before["id"]
    assert (row["caption"], row["likes"], row["taken"]) == ("p", 0, date(2026, 1, 1))
    hidden = await town.documents.get(BOSS, "House", copied["id"])
    assert (hidden["secret"], hidden["photos"][0]["checked"]) == ("", "")
    whole = await town.documents.duplicate(BOSS, "House", made["id"])
    assert (whole["secret"], whole["photos"][0]["checked"]) == ("s", "c")
    assert (await town.documents.get(CLERK, "House", made["id"]))["docstatus"] == 1


async def test_what_names_a_document_is_given_anew(town: Wired) -> None:
    made = await town.documents.create(CLERK, "Street", {"title": "Main", "note": "wide"})
    with pytest.raises(ValidationError) as refused:
        await town.documents.duplicate(CLERK, "Street", "Main")
    assert [(error.field, error.code) for error in refused.value.errors] == [("title", "required")]
    client = town.documents.client_for(CLERK)
    copied = await client.duplicate("Street", made["id"], {"title": "Side"})
    assert (copied["name"], copied["note"]) == ("Side", "wide")


async def test_who_may_not_read_or_create_may_not_copy(town: Wired) -> None:
    made = await town.documents.create(CLERK, "Sight", {"title": "Tower"})
    with pytest.raises(NoGrantError) as refused:
        await town.documents.duplicate(CLERK, "Sight", made["id"])
    assert refused.value.details["rule"] == "Sight.read"
    boss = RequestContext(Principal("chief", frozenset({"Boss"})))
    with pytest.raises(NoGrantError) as refused:
        await town.documents.duplicate(boss, "Sight", made["id"])
    assert refused.value.details["rule"] == "Sight.create"
    assert (await town.documents.duplicate(BOSS, "Sight", made["id"]))["title"] == "Tower"
    with pytest.raises(EntityNotFoundError):
        await town.documents.duplicate(BOSS, "Sight", uuid4())
