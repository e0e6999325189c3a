"""`on_cancel`: links to cancelled documents, and the cancellation of documents that submitted ones link to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from framework_m import DocType, Field
from framework_m_core.domain.errors import ConfigurationError, LinkedDocumentError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder

from .wiring import CONTEXT, Wired, wired


class Contract(DocType):
    """What everything else relies on."""

    title: str = ""

    class Meta:
        submittable = True


class Part(DocType):
    """A row with a link."""

    contract: UUID | None = Field(default=None, link="Contract")

    class Meta:
        is_child_table = True


class Delivery(DocType):
    """Links to contracts, by the default rule and without one."""

    contract: UUID | None = Field(default=None, link="Contract")
    seen: UUID | None = Field(default=None, link="Contract", on_cancel="allow", allow_on_submit=True)
    follows: UUID | None = Field(default=None, link="Delivery", allow_on_submit=True)
    parts: list[Part] = []

    class Meta:
        submittable = True


class Memo(DocType):
    """Is not submittable, so that its links allow by default."""

    contract: UUID | None = Field(default=None, link="Contract")
    strict: UUID | None = Field(default=None, link="Contract", on_cancel="refuse")


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Contract, Part, Delivery, Memo):
        builder.add_doctype(doctype, "office")
    async with wired(database_url, builder.freeze()) as opened:
        yield opened


async def _contract(office: Wired, *steps: str) -> UUID:
    id: UUID = (await office.create("Contract"))["id"]
    for step in steps:
        await getattr(office.documents, step)(CONTEXT, "Contract", id)
    return id


def _fields(refused: pytest.ExceptionInfo[ValidationError]) -> list[tuple[str, str]]:
    return [(error.field, error.code) for error in refused.value.errors]


@pytest.mark.parametrize("path", ["contract", "parts.0.contract"])
async def test_a_link_is_not_set_to_a_cancelled_document(office: Wired, path: str) -> None:
    gone = str(await _contract(office, "submit", "cancel"))
    body: dict[str, Any] = {"contract": gone} if path == "contract" else {"parts": [{"contract": gone}]}
    with pytest.raises(ValidationError) as refused:
        await office.create("Delivery", **body)
    assert _fields(refused) == [(path, "cancelled_target")]
    draft = await office.create("Delivery")
    with pytest.raises(ValidationError) as refused:
        await office.documents.update(CONTEXT, "Delivery", draft["id"], body)
    assert _fields(refused) == [(path, "cancelled_target")]


async def test_a_draft_keeps_its_link_but_is_not_submitted_with_it(office: Wired) -> None:
    contract = await _contract(office, "submit")
    draft = await office.create("Delivery", contract=str(contract), parts=[{"contract": str(contract)}])
    await office.documents.cancel(CONTEXT, "Contract", contract)
    await office.documents.update(CONTEXT, "Delivery", draft["id"], {"seen": str(contract)})
    with pytest.raises(ValidationError) as refused:
        await office.documents.submit(CONTEXT, "Delivery", draft["id"])
    assert _fields(refused) == [("contract", "cancelled_target"), ("parts.0.contract", "cancelled_target")]
    await office.documents.update(CONTEXT, "Delivery", draft["id"], {"contract": None, "parts": []})
    assert (await office.documents.submit(CONTEXT, "Delivery", draft["id"]))["docstatus"] == 1


@pytest.mark.parametrize("in_row", [False, True])
async def test_what_a_submitted_document_links_to_is_not_cancelled(office: Wired, in_row: bool) -> None:
    contract = await _contract(office, "submit")
    link = {"contract": str(contract)}
    delivery = await office.create("Delivery", **({"parts": [link]} if in_row else link))
    await office.documents.submit(CONTEXT, "Delivery", delivery["id"])
    with pytest.raises(LinkedDocumentError, match="Delivery"):
        await office.documents.cancel(CONTEXT, "Contract", contract)
    assert (await office.stored("Contract", contract))["docstatus"] == 1
    await office.documents.cancel(CONTEXT, "Delivery", delivery["id"])
    assert (await office.documents.cancel(CONTEXT, "Contract", contract))["docstatus"] == 2


async def test_links_that_allow_it_stand_in_no_way(office: Wired) -> None:
    contract = await _contract(office, "submit")
    delivery = await office.create("Delivery", seen=str(contract))
    await office.documents.submit(CONTEXT, "Delivery", delivery["id"])
    await office.create("Memo", contract=str(contract), strict=str(contract))
    await office.documents.cancel(CONTEXT, "Contract", contract)
    assert (await office.create("Memo", contract=str(contract)))["contract"] == contract
    with pytest.raises(ValidationError) as refused:
        await office.create("Memo", strict=str(contract))
    assert _fields(refused) == [("strict", "cancelled_target")]


async def test_a_submitted_document_may_change_a_link_but_not_to_a_cancelled_one(office: Wired) -> None:
    first, second = [(await office.create("Delivery"))["id"] for _ in range(2)]
    for id in (first, second):
        await office.documents.submit(CONTEXT, "Delivery", id)
    await office.documents.update(CONTEXT, "Delivery", first, {"follows": str(first)})
    await office.documents.cancel(CONTEXT, "Delivery", second)
    with pytest.raises(ValidationError) as refused:
        await office.documents.update(CONTEXT, "Delivery", first, {"follows": str(second)})
    assert _fields(refused) == [("follows", "cancelled_target")]
    assert (await office.documents.cancel(CONTEXT, "Delivery", first))["docstatus"] == 2


async def test_submit_and_cancel_at_once_leave_no_document_with_a_cancelled_target(office: Wired) -> None:
    for _ in range(8):
        contract = await _contract(office, "submit")
        delivery = (await office.create("Delivery", contract=str(contract)))["id"]
        await asyncio.gather(
            office.documents.submit(CONTEXT, "Delivery", delivery),
            office.documents.cancel(CONTEXT, "Contract", contract),
            return_exceptions=True,
        )
        states = (await office.stored("Delivery", delivery), await office.stored("Contract", contract))
        assert [state["docstatus"] for state in states] in ([1, 1], [0, 2])


@pytest.mark.parametrize(
    "field",
    [
        Field(default=None, on_cancel="refuse"),
        Field(default=None, link="Contract", json_schema_extra={"on_cancel": "warn"}),
    ],
)
def test_a_rule_without_effect_stops_the_start(field: Any) -> None:
    class Wrong(DocType):
        contract: UUID | None = field

    builder = RegistryBuilder()
    builder.add_doctype(Contract, "office")
    builder.add_doctype(Wrong, "office")
    with pytest.raises(ConfigurationError, match="on_cancel"):
        builder.freeze()
