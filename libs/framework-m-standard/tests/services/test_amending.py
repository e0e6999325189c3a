"""Amendments on every store: a draft in place of a cancelled document, at most one for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from framework_m import Controller, DocType, Field
from framework_m_core.domain.context import Principal, RequestContext, make_system_context
from framework_m_core.domain.errors import (
    AmendedDocumentError,
    DuplicateValueError,
    EntityNotFoundError,
    LinkedDocumentError,
    NoGrantError,
    OutsideScopeError,
    SubmittedDocumentError,
    ValidationError,
    VersionConflictError,
)
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CONTEXT = RequestContext(Principal("tester", frozenset({"Administrator"})))
CLERK = RequestContext(Principal("clerk", frozenset({"Clerk"})))
GUIDE = RequestContext(Principal("guide", frozenset({"Guide"})))
SEEN: list[tuple[str, Any]] = []


class Position(DocType):
    """A row of a bill."""

    text: str = ""
    cost: Decimal = Field(default=Decimal(0), scale=2)
    served: bool = Field(default=False, no_copy=True)

    class Meta:
        is_child_table = True


class Deed(DocType):
    """Named by a series."""

    title: str = ""
    paid_on: date | None = Field(default=None, no_copy=True)
    total: Decimal = Field(default=Decimal(0), scale=2, read_only=True)
    secret: str = Field(default="", permlevel=1)
    positions: list[Position] = []

    class Meta:
        naming = "B-.####"
        submittable = True
        field_levels = {1: {"read": ["Boss"], "write": ["Boss"]}}
        permissions = {
            "read": {"Clerk": "all", "Guide": "all"},
            "create": ["Clerk"],
            "amend": {"Clerk": "all", "Guide": "own"},
        }


class DeedController(Controller[Deed]):
    async def validate(self) -> None:
        self.doc.total = sum((one.cost for one in self.doc.positions), Decimal(0))

    async def before_insert(self) -> None:
        SEEN.append(("before_insert", self.doc.amended_from))
        self.doc.amended_from = UUID(int=5)

    async def after_insert(self) -> None:
        SEEN.append(("after_insert", self.doc.amended_from))


class Case(DocType):
    """Named by who makes it."""

    class Meta:
        naming = "prompt"
        submittable = True


class Plan(DocType):
    """Named by its title; has a value that no other plan has."""

    title: str
    code: str | None = Field(default=None, unique=True)

    class Meta:
        naming = "field:title"
        submittable = True


class Slip(DocType):
    """Named by its id."""

    class Meta:
        submittable = True


class Remark(DocType):
    """Is not submitted."""

    text: str = ""


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Position, Deed, Case, Plan, Slip, Remark):
        builder.add_doctype(doctype, "office")
    builder.add_controller(DeedController)
    SEEN.clear()
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        yield opened


async def _cancelled(office: Wired, doctype: str, **values: Any) -> dict[str, Any]:
    made = await office.documents.create(CONTEXT, doctype, values)
    return await _end(office, doctype, made["id"])


async def _end(office: Wired, doctype: str, id: UUID) -> dict[str, Any]:
    await office.documents.submit(CONTEXT, doctype, id)
    return await office.documents.cancel(CONTEXT, doctype, id)


async def test_an_amendment_is_a_draft_of_the_same(office: Wired) -> None:
    positions = [{"text": "tea", "cost": "2.50", "served": True}]
    bill = await _cancelled(office, "Deed", title="Tea", paid_on="2026-01-01", positions=positions)
    SEEN.clear()
    draft = await office.documents.amend(CONTEXT, "Deed", bill["id"])
    assert (draft["name"], draft["docstatus"], draft["_version"]) == ("B-0001-1", 0, 1)
    assert (draft["title"], draft["paid_on"], draft["total"]) == ("Tea", None, Decimal("2.50"))
    assert draft["id"] != bill["id"] and draft["amended_from"] == bill["id"]
    [row], [before] = draft["positions"], bill["positions"]
    assert (row["text"], row["cost"], row["served"]) == ("tea", Decimal("2.50"), False)
    assert row["id"] != before["id"]
    assert await office.documents.get(CONTEXT, "Deed", "B-0001-1") == draft
    assert [("before_insert", bill["id"]), ("after_insert", bill["id"])] == SEEN
    [audit] = await office.audits("Deed", draft["id"])
    assert (audit.action, audit.version, str(audit.changes["amended_from"])) == ("amend", 1, str(bill["id"]))
    events = (await office.adapters.outbox.read(0, 100, lambda _: True)).events
    assert [one.type for one in events if one.document_id == draft["id"]] == ["doc.created"]
    assert (await office.documents.create(CONTEXT, "Deed", {}))["name"] == "B-0002"


async def test_a_body_takes_the_place_of_what_was_there(office: Wired) -> None:
    bill = await _cancelled(office, "Deed", title="Tea")
    draft = await office.documents.client_for(CONTEXT).amend("Deed", bill["name"], {"title": "Coffee"})
    assert draft["title"] == "Coffee"


async def test_names_count_on(office: Wired) -> None:
    names, last = [], await _cancelled(office, "Case", name="A-7")
    for _ in range(3):
        last = await office.documents.amend(CONTEXT, "Case", last["id"])
        names.append(last["name"])
        await _end(office, "Case", last["id"])
    assert names == ["A-7-1", "A-7-2", "A-7-3"]
    await office.documents.create(CONTEXT, "Case", {"name": "B-1"})
    other = await _cancelled(office, "Case", name="B")
    assert (await office.documents.amend(CONTEXT, "Case", other["id"]))["name"] == "B-2"
    plan = await _cancelled(office, "Plan", title="P", code="C")
    amended = await office.documents.amend(CONTEXT, "Plan", "P")
    assert (amended["name"], amended["title"], amended["code"]) == ("P-1", "P-1", None)
    assert amended["amended_from"] == plan["id"]
    slip = await office.documents.amend(CONTEXT, "Slip", (await _cancelled(office, "Slip"))["id"])
    assert slip["name"] == str(slip["id"])


@pytest.mark.parametrize(
    ("doctype", "values", "body"),
    [
        ("Case", {"name": "A"}, {"name": "B"}),
        ("Plan", {"title": "A"}, {"title": "B"}),
        ("Slip", {}, {"amended_from": None}),
        ("Slip", {}, {"docstatus": 1}),
    ],
)
async def test_nobody_sets_what_the_framework_keeps(
    office: Wired, doctype: str, values: dict[str, Any], body: dict[str, Any]
) -> None:
    made = await _cancelled(office, doctype, **values)
    with pytest.raises(ValidationError) as refused:
        await office.documents.amend(CONTEXT, doctype, made["id"], body)
    assert [error.field for error in refused.value.errors] == [*body]


async def test_no_write_changes_what_a_document_amends(office: Wired) -> None:
    first, other = [await _cancelled(office, "Slip") for _ in range(2)]
    plain = await office.documents.create(CONTEXT, "Slip", {})
    body = {"amended_from": str(first["id"])}
    with pytest.raises(ValidationError):
        await office.documents.create(CONTEXT, "Slip", body)
    with pytest.raises(ValidationError):
        await office.documents.update(CONTEXT, "Slip", plain["id"], body)
    draft = await office.documents.amend(CONTEXT, "Slip", first["id"])

    def change(slip: Slip) -> None:
        slip.amended_from = other["id"]

    system = make_system_context("mend a slip", source="cli")
    assert (await office.documents.change(system, "Slip", draft["id"], change))["amended_from"] == first["id"]
    assert (await office.documents.duplicate(CONTEXT, "Slip", draft["id"]))["amended_from"] is None


async def test_only_cancelled_documents_are_amended(office: Wired) -> None:
    bill = await office.documents.create(CONTEXT, "Deed", {})
    with pytest.raises(SubmittedDocumentError):
        await office.documents.amend(CONTEXT, "Deed", bill["id"])
    await office.documents.submit(CONTEXT, "Deed", bill["id"])
    with pytest.raises(SubmittedDocumentError):
        await office.documents.amend(CONTEXT, "Deed", bill["id"])
    cancelled = await office.documents.cancel(CONTEXT, "Deed", bill["id"])
    with pytest.raises(VersionConflictError):
        await office.documents.amend(CONTEXT, "Deed", bill["id"], {"_version": 2})
    await office.documents.delete(CONTEXT, "Deed", bill["id"])
    with pytest.raises(EntityNotFoundError):
        await office.documents.amend(CONTEXT, "Deed", bill["id"])
    await office.documents.restore(CONTEXT, "Deed", bill["id"])
    await office.documents.amend(CONTEXT, "Deed", bill["id"], {"_version": cancelled["_version"] + 2})
    note = await office.documents.create(CONTEXT, "Remark", {})
    with pytest.raises(ValidationError) as refused:
        await office.documents.amend(CONTEXT, "Remark", note["id"])
    assert [error.code for error in refused.value.errors] == ["not_submittable"]


async def test_a_document_has_one_amendment(office: Wired) -> None:
    bill = await _cancelled(office, "Deed")
    first = await office.documents.amend(CONTEXT, "Deed", bill["id"])
    with pytest.raises(AmendedDocumentError):
        await office.documents.amend(CONTEXT, "Deed", bill["id"])
    with pytest.raises(LinkedDocumentError):
        await office.documents.delete(CONTEXT, "Deed", bill["id"])
    await office.documents.delete(CONTEXT, "Deed", first["id"])
    second = await office.documents.amend(CONTEXT, "Deed", bill["id"])
    assert second["name"] == first["name"]
    renamed = await office.documents.rename(CONTEXT, "Deed", second["id"], "B-X")
    with pytest.raises(DuplicateValueError):
        await office.documents.restore(CONTEXT, "Deed", first["id"])
    await _end(office, "Deed", renamed["id"])
    with pytest.raises(AmendedDocumentError):
        await office.documents.amend(CONTEXT, "Deed", bill["id"])
    assert (await office.documents.amend(CONTEXT, "Deed", "B-X"))["name"] == "B-X-1"


async def test_amendments_at_the_same_time(office: Wired) -> None:
    bill = await _cancelled(office, "Deed")
    tries = [office.documents.amend(CONTEXT, "Deed", bill["id"]) for _ in range(4)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == [*["AmendedDocumentError"] * 3, "Served"]


async def test_amendments_are_found(office: Wired) -> None:
    bill = await _cancelled(office, "Deed")
    draft = await office.documents.amend(CONTEXT, "Deed", bill["id"])
    by_name = {"field": "amended_from", "operator": "eq", "value": "B-0001"}
    by_id = {**by_name, "value": str(bill["id"])}
    pages = [
        await office.documents.list(CLERK, "Deed", ListRequest(filters=asked, titles=True))
        for asked in (by_name, by_id)
    ]
    found = [[(one["id"], one["_titles"]["amended_from"]) for one in page.items] for page in pages]
    assert found == [[(draft["id"], "B-0001")]] * 2


async def test_who_may_amend(office: Wired) -> None:
    bill = await _cancelled(office, "Deed", title="Tea", secret="s")
    nobody = RequestContext(Principal("nobody", frozenset({"Boss"})))
    with pytest.raises(NoGrantError) as refused:
        await office.documents.amend(nobody, "Deed", bill["id"])
    assert refused.value.details["rule"] == "Deed.amend"
    with pytest.raises(OutsideScopeError):
        await office.documents.amend(GUIDE, "Deed", bill["id"])
    draft = await office.documents.amend(CLERK, "Deed", bill["id"])
    assert (draft["owner"], draft["title"], "secret" in draft) == ("clerk", "Tea", False)
    assert (await office.documents.get(CONTEXT, "Deed", draft["id"]))["secret"] == ""
