"""Links are written and filtered by the names of their targets, as far as the caller may know of these."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from framework_m import Comparison, Controller, DocType, Field
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import EntityNotFoundError, FieldError, LinkTargetError, QueryError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.links.targets import MAX_TARGETS
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CLERK = RequestContext(Principal("clerk", frozenset({"Clerk"})))
BOSS = RequestContext(Principal("boss", frozenset({"Administrator"})))


class Person(DocType):
    """May be read by clerks while active, and else be selected while known."""

    active: bool = True
    known: bool = False

    class Meta:
        naming = "prompt"
        permissions = {
            "read": {"Clerk": Comparison("active", "eq", True)},
            "select": {"Clerk": Comparison("known", "eq", True)},
        }


class Vault(DocType):
    """Unknown to clerks."""

    class Meta:
        naming = "prompt"


class Step(DocType):
    """A row that names a person."""

    text: str = ""
    who: UUID | None = Field(default=None, link="Person")

    class Meta:
        is_child_table = True


class Errand(DocType):
    """Names people and vaults, also in rows."""

    title: str = Field(default="", max_length=5)
    who: UUID | None = Field(default=None, link="Person")
    vault: UUID | None = Field(default=None, link="Vault")
    fixed: UUID | None = Field(default=None, link="Person", read_only=True)
    steps: list[Step] = []

    class Meta:
        permissions = {action: {"Clerk": "all"} for action in ("create", "read", "write")}


class ErrandController(Controller[Errand]):
    """Sets links by name where the title says so."""

    async def before_save(self) -> None:
        """Set a name on the document and in each row."""
        if self.doc.title.startswith("hook"):
            name = {"hook1": "Ada", "hook2": "Gone"}[self.doc.title]
            self.doc.who = name  # type: ignore[assignment]
            for row in self.doc.steps:
                row.who = name  # type: ignore[assignment]
        elif self.doc.title == "many":
            self.doc.steps = [Step() for _ in range(MAX_TARGETS + 1)]
            for number, row in enumerate(self.doc.steps):
                row.who = f"P{number}"  # type: ignore[assignment]
        elif self.doc.title == "rows":
            self.doc.steps = [{"who": "Ada"}]  # type: ignore[list-item]


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Person, Vault, Step, Errand):
        builder.add_doctype(doctype, "office")
    builder.add_controller(ErrandController)
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        people: dict[str, dict[str, bool]] = {
            "Ada": {}, "Zoë": {}, "Gone": {"active": False}, "Away": {"active": False, "known": True}
        }  # fmt: skip
        for name, values in people.items():
            await opened.documents.create(BOSS, "Person", {"name": name, **values})
        await opened.documents.create(BOSS, "Vault", {"name": "V1"})
        yield opened


async def _id(office: Wired, name: str) -> Any:
    return (await office.documents.get(BOSS, "Person", name))["id"]


async def _found(office: Wired, *filters: tuple[str, str, Any]) -> list[str]:
    asked = [dict(zip(("field", "operator", "value"), one, strict=True)) for one in filters]
    page = await office.documents.list(CLERK, "Errand", ListRequest(filters=asked, order_by="title"))
    return [one["title"] for one in page.items]


async def test_a_body_names_its_targets_in_rows_too(office: Wired) -> None:
    steps = [{"who": "Zoe\u0308"}, {"who": str(await _id(office, "Ada"))}, {"who": None}]
    made = await office.documents.create(CLERK, "Errand", {"who": " Ada ", "steps": steps})
    ada, zoe = await _id(office, "Ada"), await _id(office, "Zoë")
    assert made["who"] == ada
    assert [row["who"] for row in made["steps"]] == [zoe, ada, None]
    changed = await office.documents.update(CLERK, "Errand", made["id"], {"who": "Zoë"})
    assert changed["who"] == zoe


async def test_what_may_be_selected_may_be_named(office: Wired) -> None:
    made = await office.documents.create(CLERK, "Errand", {"who": "Away"})
    assert made["who"] == await _id(office, "Away")


@pytest.mark.parametrize("name", ["Gone", "Nobody", "", "x\x00", "n" * 300])
async def test_a_name_of_nobody_is_refused_as_that_of_a_hidden_one(office: Wired, name: str) -> None:
    stored = await office.documents.create(CLERK, "Errand", {"title": "old"})
    body = {"title": "too long", "who": name, "steps": [{"who": name}, {"text": "x", "who": "Ada"}]}
    params = {"doctype": "Person", "name": name[:80]}
    expected = {FieldError(path, "invalid_link", params=params) for path in ("who", "steps.0.who")}
    for operation, write in {
        "create": office.documents.create(CLERK, "Errand", body),
        "update": office.documents.update(CLERK, "Errand", stored["id"], body),
    }.items():
        with pytest.raises(ValidationError) as refused:
            await write
        others = [error.field for error in refused.value.errors if error.code != "invalid_link"]
        assert expected < set(refused.value.errors), operation
        assert others == ["title"], operation


async def test_the_doctype_of_a_target_without_a_grant_is_not_told(office: Wired) -> None:
    with pytest.raises(ValidationError) as refused:
        await office.documents.create(CLERK, "Errand", {"vault": "V1"})
    assert refused.value.errors == (FieldError("vault", "invalid_link", params={"name": "V1"}),)


async def test_hooks_set_names(office: Wired) -> None:
    made = await office.documents.create(CLERK, "Errand", {"title": "hook1", "steps": [{"text": "x"}]})
    ada = await _id(office, "Ada")
    assert (made["who"], made["steps"][0]["who"]) == (ada, ada)
    with pytest.raises(LinkTargetError) as refused:
        await office.documents.update(CLERK, "Errand", made["id"], {"title": "hook2"})
    params = {"doctype": "Person", "name": "Gone"}
    expected = [FieldError(path, "invalid_link", params=params) for path in ("who", "steps.0.who")]
    assert sorted(refused.value.errors, key=str) == sorted(expected, key=str)


async def test_a_document_that_is_not_there_comes_before_its_links(office: Wired) -> None:
    with pytest.raises(EntityNotFoundError):
        await office.documents.update(CLERK, "Errand", uuid4(), {"who": "Nobody"})


async def test_a_body_names_a_bounded_number_of_documents(office: Wired) -> None:
    steps = [{"who": f"P{number}"} for number in range(MAX_TARGETS + 1)]
    with pytest.raises(ValidationError) as refused:
        await office.documents.create(CLERK, "Errand", {"steps": steps})
    params = {"max_links": MAX_TARGETS, "doctype": "Person", "count": MAX_TARGETS + 1}
    assert (type(refused.value), refused.value.errors) == (
        ValidationError,
        (FieldError("*", "out_of_bounds", params=params),),
    )


@pytest.mark.parametrize("title", ["many", "rows"])
async def test_what_hooks_set_is_bounded_and_of_the_right_type(office: Wired, title: str) -> None:
    expected = ("*", "out_of_bounds") if title == "many" else ("steps", "wrong_type")
    with pytest.raises(ValidationError) as refused:
        await office.documents.create(CLERK, "Errand", {"title": title})
    assert [(error.field, error.code) for error in refused.value.errors] == [expected]


async def test_a_name_in_a_link_that_is_not_writable_is_not_looked_up(office: Wired) -> None:
    refusals = []
    for name in ("Ada", "Nobody"):
        with pytest.raises(ValidationError) as refused:
            await office.documents.create(CLERK, "Errand", {"fixed": name})
        refusals.append(refused.value.errors)
    assert refusals == [(FieldError("fixed", "not_writable"),)] * 2


@pytest.mark.parametrize("name", ["x\x00", "\ud800"])
async def test_a_reference_that_no_store_holds_is_that_of_no_document(office: Wired, name: str) -> None:
    client = office.documents.client_for(CLERK)
    for lookup in (client.get("Errand", name), client.update("Errand", name, {}), client.get("Person", name)):
        with pytest.raises(EntityNotFoundError):
            await lookup


async def test_filters_name_targets_and_a_hidden_name_is_nobody(office: Wired) -> None:
    for title, who in (("a", "Ada"), ("b", "Gone"), ("c", None), ("d", "Zoë")):
        await office.documents.create(BOSS, "Errand", {"title": title, "who": who})
    ada = str(await _id(office, "Ada"))
    assert await _found(office, ("who", "eq", "Ada")) == ["a"]
    assert await _found(office, ("who", "ne", "Ada")) == ["b", "c", "d"]
    assert await _found(office, ("who", "in", ["Zoë", ada, "Nobody"])) == ["a", "d"]
    assert await _found(office, ("who", "not_in", ["Zoë", ada])) == ["b", "c"]
    for hidden in ("Gone", "Nobody", "x\x00"):
        assert await _found(office, ("who", "eq", hidden)) == [], hidden
        assert await _found(office, ("who", "ne", hidden)) == ["a", "b", "c", "d"], hidden
        assert await _found(office, ("who", "in", [hidden])) == [], hidden
        assert await _found(office, ("who", "not_in", [hidden])) == ["a", "b", "c", "d"], hidden


@pytest.mark.parametrize(("operator", "value"), [("eq", 5), ("like", "A%"), ("gt", "Ada"), ("eq", "n" * 2001)])
async def test_other_comparisons_with_links_are_refused(office: Wired, operator: str, value: Any) -> None:
    with pytest.raises(QueryError):
        await _found(office, ("who", operator, value))
