"""A write may not leave a document where its caller could not have written it, whoever moves it there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from framework_m import Comparison, Controller, DocType
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import OutsideScopeError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CLERK = RequestContext(Principal("clerk", frozenset({"Clerk"})))
_OPEN = Comparison("status", "eq", "Open")


class Ticket(DocType):
    """Clerks see all, and work on open ones alone."""

    status: str = "Open"
    text: str = ""

    class Meta:
        permissions = {"read": {"Clerk": "all"}, "create": {"Clerk": _OPEN}, "write": {"Clerk": _OPEN}}


class TicketController(Controller[Ticket]):
    async def before_save(self) -> None:
        if self.doc.text == "done":
            self.doc.status = "Closed"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Wired]:
    """The services over tickets on each store."""
    builder = RegistryBuilder()
    builder.add_doctype(Ticket, "desk")
    builder.add_controller(TicketController)
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        yield opened


@pytest.mark.parametrize("body", [{"status": "Closed"}, {"text": "done"}], ids=["by the caller", "by a hook"])
async def test_a_document_is_not_made_out_of_scope(desk: Wired, body: dict[str, str]) -> None:
    before = await desk.dump()
    with pytest.raises(OutsideScopeError):
        await desk.documents.create(CLERK, "Ticket", body)
    assert await desk.dump() == before


@pytest.mark.parametrize("body", [{"status": "Closed"}, {"text": "done"}], ids=["by the caller", "by a hook"])
async def test_a_document_is_not_moved_out_of_scope(desk: Wired, body: dict[str, str]) -> None:
    ticket: UUID = (await desk.documents.create(CLERK, "Ticket", {"text": "new"}))["id"]
    before = await desk.dump()
    with pytest.raises(OutsideScopeError):
        await desk.documents.update(CLERK, "Ticket", ticket, body)
    assert await desk.dump() == before
    assert (await desk.documents.update(CLERK, "Ticket", ticket, {"text": "seen"}))["text"] == "seen"
