"""Fields fetched over links: in any order, over several steps, within the bounds of the field that fetches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal
from uuid import UUID

import pytest

from framework_m import Controller, DocType, Field
from framework_m_core.domain.errors import FieldError, LinkTargetError, SubmittedDocumentError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder

from .wiring import CONTEXT, Wired, wired


class Kind(DocType):
    title: str = ""


class Villa(DocType):
    title: str = ""
    kind: UUID | None = Field(default=None, link="Kind")


class Chamber(DocType):
    """Its fetched fields stand before the links that they are fetched over."""

    kind_title: str | None = Field(default=None, fetch_from="kind.title")
    kind: UUID | None = Field(default=None, link="Kind", fetch_from="house.kind")
    title: str | None = Field(default=None, fetch_from="house.title", index=True)
    house: UUID | None = Field(default=None, link="Villa")
    note: str = ""

    class Meta:
        is_child_table = True


class Suite(DocType):
    """As a room, with rooms; a hook may move it."""

    kind_title: str | None = Field(default=None, fetch_from="kind.title")
    kind: UUID | None = Field(default=None, link="Kind", fetch_from="house.kind")
    title: str | None = Field(default=None, fetch_from="house.title", index=True)
    house: UUID | None = Field(default=None, link="Villa")
    note: str = ""
    rooms: list[Chamber] = []


class Short(DocType):
    """Fetches within narrower bounds."""

    title: str | None = Field(default=None, fetch_from="house.title", max_length=5)
    choice: Literal["a", "b"] | None = Field(default=None, fetch_from="other.title")
    house: UUID | None = Field(default=None, link="Villa")
    other: UUID | None = Field(default=None, link="Villa")

    class Meta:
        naming = "S-.####"


class Lease(DocType):
    """Whose house may change once it is submitted, what is fetched from it may not."""

    house: UUID | None = Field(default=None, link="Villa", allow_on_submit=True)
    title: str | None = Field(default=None, fetch_from="house.title")

    class Meta:
        submittable = True


class SuiteController(Controller[Suite]):
    async def validate(self) -> None:
        if self.doc.note == "leave":
            self.doc.house = None
            for room in self.doc.rooms:
                room.house = None


@pytest.fixture
async def town(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Kind, Villa, Chamber, Suite, Short, Lease):
        builder.add_doctype(doctype, "town")
    builder.add_controller(SuiteController)
    async with wired(database_url, builder.freeze()) as opened:
        yield opened


async def _house(town: Wired, title: str, kind: str | None = None) -> str:
    of = {"kind": str((await town.create("Kind", title=kind))["id"])} if kind else {}
    return str((await town.create("Villa", title=title, **of))["id"])


def _fetched(document: dict[str, Any]) -> tuple[Any, ...]:
    return document["title"], document["kind"] is not None, document["kind_title"]


async def test_links_are_followed_in_any_order_and_over_steps(town: Wired) -> None:
    first, second = await _house(town, "A", "villa"), await _house(town, "B")
    flat = await town.create("Suite", house=first, rooms=[{"house": first}, {"house": second}])
    assert _fetched(flat) == ("A", True, "villa")
    assert [_fetched(room) for room in flat["rooms"]] == [("A", True, "villa"), ("B", False, None)]
    assert await town.stored("Suite", flat["id"]) == flat
    rows = [{"id": str(room["id"]), "house": house} for room, house in zip(flat["rooms"], (None, first), strict=True)]
    moved = await town.documents.update(CONTEXT, "Suite", flat["id"], {"house": second, "rooms": rows})
    assert _fetched(moved) == ("B", False, None)
    assert [_fetched(room) for room in moved["rooms"]] == [(None, False, None), ("A", True, "villa")]
    left = await town.documents.update(CONTEXT, "Suite", flat["id"], {"note": "leave"})
    assert _fetched(left) == (None, False, None)
    assert [_fetched(room) for room in left["rooms"]] == [(None, False, None)] * 2
    assert await town.stored("Suite", flat["id"]) == left


@pytest.mark.parametrize("length", [256, 3000])
async def test_an_indexed_text_is_not_fetched_at_any_length(town: Wired, length: int) -> None:
    long = await _house(town, "x" * length)
    params = {"source": "title", "fetched": "title"}
    bodies: list[tuple[dict[str, Any], str]] = [
        ({"house": long}, "house"),
        ({"rooms": [{"house": long}]}, "rooms.0.house"),
    ]
    for body, at in bodies:
        with pytest.raises(ValidationError) as refused:
            await town.create("Suite", **body)
        assert refused.value.errors == (FieldError(at, "invalid_fetch", params=params),)
    flat = await town.create("Suite")
    with pytest.raises(ValidationError):
        await town.documents.update(CONTEXT, "Suite", flat["id"], {"house": long})
    assert (await town.stored("Suite", flat["id"]))["_version"] == 1


@pytest.mark.parametrize(("link", "fetched"), [("house", "title"), ("other", "choice")])
async def test_bounds_of_the_fetching_field_count_before_a_number_is_taken(
    town: Wired, link: str, fetched: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        await town.create("Short", **{link: await _house(town, "too long")})
    error = FieldError(link, "invalid_fetch", params={"source": "title", "fetched": fetched})
    assert refused.value.errors == (error,)
    made = await town.create("Short", **{link: await _house(town, "a")})
    assert (made[fetched], made["name"]) == ("a", "S-0001")


async def test_a_link_can_be_cleared_whatever_was_fetched_over_it(town: Wired) -> None:
    """As after the bounds of the field have become narrower."""
    short = await town.create("Short", house=await _house(town, "a"))
    async with town.adapters.units(CONTEXT) as unit:
        repository = unit.repository("Short")
        kept = await repository.get(short["id"])
        assert kept is not None
        await repository.update(kept.model_copy(update={"title": "far too long"}), expected_version=1)
        await unit.commit()
    cleared = await town.documents.update(CONTEXT, "Short", short["id"], {"house": None})
    assert cleared["title"] is None


@pytest.mark.parametrize("length", [256, 3000])
@pytest.mark.parametrize("verb", ["create", "update"])
async def test_an_indexed_text_of_a_row_has_a_longest_length(database_url: str, length: int, verb: str) -> None:
    class Tagged(DocType):
        tag: str = Field(default="", index=True)
        free: str = ""

        class Meta:
            is_child_table = True

    class Holder(DocType):
        rows: list[Tagged] = []

    builder = RegistryBuilder()
    for doctype in (Tagged, Holder):
        builder.add_doctype(doctype, "tags")
    async with wired(database_url, builder.freeze()) as opened:
        rows = [{"tag": "x" * 255, "free": "x" * length}, {"tag": "€" * length}]
        holder = await opened.create("Holder", rows=rows[:1])
        body = {"rows": rows}
        update = opened.documents.update(CONTEXT, "Holder", holder["id"], body)
        create = opened.documents.create(CONTEXT, "Holder", body)
        write, other = (create, update) if verb == "create" else (update, create)
        other.close()
        with pytest.raises(ValidationError) as refused:
            await write
        assert refused.value.errors == (FieldError("rows.1.tag", "too_long", params={"max_length": 255}),)


async def test_what_is_fetched_anew_is_no_change_of_a_submitted_document_until_it_differs(town: Wired) -> None:
    old, same, other = [await town.create("Villa", title=title) for title in ("Old", "Old", "Other")]
    lease = await town.create("Lease", house=str(old["id"]))
    await town.documents.submit(CONTEXT, "Lease", lease["id"])
    moved = await town.documents.update(CONTEXT, "Lease", lease["id"], {"house": str(same["id"])})
    assert (moved["house"], moved["title"]) == (same["id"], "Old")
    with pytest.raises(SubmittedDocumentError) as refused:
        await town.documents.update(CONTEXT, "Lease", lease["id"], {"house": str(other["id"])})
    assert refused.value.details["fields"] == ["title"]
    with pytest.raises(LinkTargetError):
        await town.documents.update(CONTEXT, "Lease", lease["id"], {"house": str(lease["id"])})
    assert (await town.stored("Lease", lease["id"]))["house"] == same["id"]
