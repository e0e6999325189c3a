"""Titles of linked documents: for those whom the caller may read or select, by what of them the caller may read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from framework_m import Comparison, DocType, Field
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import AnswerTooLargeError, FieldError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.links import titles as titles_module
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CLERK = RequestContext(Principal("clerk", frozenset({"Clerk"})))
BOSS = RequestContext(Principal("boss", frozenset({"Administrator", "Warden"})))


class Person(DocType):
    """May be read by clerks while active, and else be selected while known."""

    full_name: str = ""
    active: bool = True
    known: bool = False

    class Meta:
        naming = "prompt"
        title_field = "full_name"
        permissions = {
            "read": {"Clerk": Comparison("active", "eq", True)},
            "select": {"Clerk": Comparison("known", "eq", True)},
        }


class Room(DocType):
    """Whose title clerks do not see."""

    label: str = Field(default="", permlevel=1)

    class Meta:
        naming = "prompt"
        title_field = "label"
        permissions = {"read": {"Clerk": "all"}}
        field_levels = {1: {"read": ["Warden"], "write": ["Warden"]}}


class Step(DocType):
    """A row that links to a person."""

    who: UUID | None = Field(default=None, link="Person")

    class Meta:
        is_child_table = True


class Errand(DocType):
    """Links to people and a room, also in rows."""

    title: str = ""
    who: UUID | None = Field(default=None, link="Person")
    room: UUID | None = Field(default=None, link="Room")
    secret: UUID | None = Field(default=None, link="Room", permlevel=1)
    steps: list[Step] = []

    class Meta:
        naming = "prompt"
        permissions = {action: {"Clerk": "all"} for action in ("create", "read", "write")}
        field_levels = {1: {"read": ["Warden"], "write": ["Warden"]}}


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Person, Room, Step, Errand):
        builder.add_doctype(doctype, "office")
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        for name, full_name, active, known in (
            ("ada", "Ada Lovelace", True, False),
            ("bob", "", True, False),
            ("gone", "Gone", False, False),
            ("away", "Away", False, True),
        ):
            values = {"name": name, "full_name": full_name, "active": active, "known": known}
            await opened.documents.create(BOSS, "Person", values)
        await opened.documents.create(BOSS, "Room", {"name": "r1", "label": "The vault"})
        steps = [{"who": name} for name in ("ada", "gone", "away", None)]
        body = {"name": "e1", "who": "ada", "room": "r1", "secret": "r1", "steps": steps}
        await opened.documents.create(BOSS, "Errand", body)
        for name, who in (("e2", "bob"), ("e3", "gone"), ("e4", "away"), ("e5", None)):
            await opened.documents.create(BOSS, "Errand", {"name": name, "who": who})
        yield opened


async def _listed(office: Wired, who: RequestContext, **asked: Any) -> dict[str, Any]:
    page = await office.documents.list(who, "Errand", ListRequest(titles=True, **asked))
    return {one["name"]: one.get("_titles") for one in page.items}


async def test_a_document_carries_the_titles_of_its_links_and_of_those_of_its_rows(office: Wired) -> None:
    found = await office.documents.get(BOSS, "Errand", "e1", titles=True)
    assert found["_titles"] == {"who": "Ada Lovelace", "room": "The vault", "secret": "The vault"}
    assert [row["_titles"] for row in found["steps"]] == [
        {"who": "Ada Lovelace"},
        {"who": "Gone"},
        {"who": "Away"},
        {},
    ]
    assert "_titles" not in await office.documents.get(BOSS, "Errand", "e1")


async def test_what_may_be_selected_has_a_title_and_what_is_hidden_has_none(office: Wired) -> None:
    assert await _listed(office, CLERK) == {
        "e1": {"who": "Ada Lovelace", "room": "r1"},
        "e2": {"who": "bob"},
        "e3": {},
        "e4": {"who": "Away"},
        "e5": {},
    }
    found = await office.documents.get(CLERK, "Errand", "e1", titles=True)
    assert [row["_titles"] for row in found["steps"]] == [{"who": "Ada Lovelace"}, {}, {"who": "Away"}, {}]


async def test_titles_are_those_of_the_fields_that_are_read(office: Wired) -> None:
    assert (await _listed(office, CLERK, fields=["title"]))["e1"] is None
    assert (await _listed(office, CLERK, fields=["room"]))["e1"] == {"room": "r1"}
    page = await office.documents.list(CLERK, "Errand", ListRequest(titles=True, expand=["who"], limit=100))
    ada = next(one for one in page.items if one["name"] == "e1")
    assert (ada["_titles"]["who"], ada["who"]["name"]) == ("Ada Lovelace", "ada")


@pytest.mark.parametrize("maximum", [0, 2])
async def test_an_answer_has_titles_of_a_bounded_number_of_targets(
    office: Wired, maximum: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(titles_module, "MAX_TITLED", maximum)
    with pytest.raises(AnswerTooLargeError) as refused:
        await _listed(office, BOSS)
    assert [(one.field, one.code) for one in refused.value.errors] == [("titles", "out_of_bounds")]


async def test_titles_may_not_be_too_large_together(office: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(titles_module, "PAGE_BYTES", 10)
    with pytest.raises(AnswerTooLargeError) as refused:
        await _listed(office, BOSS)
    assert [(one.field, one.code) for one in refused.value.errors] == [("titles", "out_of_bounds")]


async def test_many_targets_are_read_in_parts(office: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(titles_module, "_READ_AT_ONCE", 1)
    assert [titles["who"] for titles in (await _listed(office, BOSS)).values() if titles] == [
        "Away",
        "Gone",
        "bob",
        "Ada Lovelace",
    ]


@pytest.mark.parametrize("who", [BOSS, CLERK])
async def test_what_reads_have_added_may_be_sent_back(office: Wired, who: RequestContext) -> None:
    served = await office.queries.get(who, "Errand", "e1", titles=True, expand=["who"])
    assert isinstance(served["who"], dict)
    same = await office.documents.update(who, "Errand", "e1", {**served, "title": "changed"})
    assert (same["title"], same["who"], same["_version"]) == ("changed", served["who"]["id"], 2)
    assert [row["who"] for row in same["steps"]] == [row["who"] for row in served["steps"]]


@pytest.mark.parametrize(
    "body",
    [
        {"_titles": {}, "steps": [{"_titles": {}, "text": 1}]},
        {"who": {"name": "ada"}},
        {"who": {"id": None}},
    ],
)
async def test_anything_else_is_refused(office: Wired, body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await office.documents.update(BOSS, "Errand", "e1", body)


async def test_titles_stay_short(office: Wired) -> None:
    with pytest.raises(ValidationError):
        await office.documents.create(BOSS, "Person", {"name": "x", "full_name": "y" * 256})


async def test_titles_are_no_field_where_there_are_no_links(office: Wired) -> None:
    with pytest.raises(ValidationError) as refused:
        await office.documents.update(BOSS, "Person", "ada", {"_titles": {}})
    assert refused.value.errors == (FieldError("_titles", "unknown_field"),)
