"""When a series gives its number: after what can be checked before, and again when a hook changes the name's parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from framework_m import Controller, DocType, Field
from framework_m_core.domain.errors import FrameworkError, LinkTargetError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder

from .wiring import CONTEXT, Wired, wired


class Branch(DocType):
    """What tickets link to."""


class Ticket(DocType):
    """Numbered by its area, which a hook may settle."""

    area: str = "A"
    tail: str = "t"
    size: int = Field(default=0, le=10)
    branch: UUID | None = Field(default=None, link="Branch")

    class Meta:
        naming = "{area}.-.###.-.{tail}"


class TicketController(Controller[Ticket]):
    async def before_save(self) -> None:
        if self.doc.area == "moved":
            self.doc.area = "B"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Branch, Ticket):
        builder.add_doctype(doctype, "desk")
    builder.add_controller(TicketController)
    async with wired(database_url, builder.freeze()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"size": 11}, ValidationError),
        ({"size": "many"}, ValidationError),
        ({"nothing": 1}, ValidationError),
        ({"branch": str(uuid4())}, LinkTargetError),
        ({"area": "a/b"}, ValidationError),
        ({"tail": "a/b"}, ValidationError),
        ({"area": "x" * 9_000_000}, ValidationError),
        ({"tail": "x" * 300}, ValidationError),
    ],
)
async def test_what_is_refused_takes_no_number(desk: Wired, body: dict[str, Any], error: type[FrameworkError]) -> None:
    before = await desk.dump()
    with pytest.raises(error):
        await desk.create("Ticket", **body)
    assert await desk.dump() == before
    assert (await desk.create("Ticket"))["name"] == "A-001-t"


async def test_a_number_inside_a_unit_is_taken_as_late(desk: Wired) -> None:
    async with desk.adapters.units(CONTEXT) as unit:
        within = CONTEXT.within(unit)
        with pytest.raises(LinkTargetError):
            await desk.documents.create(within, "Ticket", {"branch": str(uuid4())})
        branch = await desk.documents.create(within, "Branch", {})
        made = await desk.documents.create(within, "Ticket", {"branch": str(branch["id"])})
        await unit.commit()
    assert made["name"] == "A-001-t"


async def test_a_hook_that_changes_the_prefix_gets_a_number_of_the_new_one(desk: Wired) -> None:
    await desk.create("Ticket", area="B")
    moved = await desk.create("Ticket", area="moved")
    assert (moved["name"], moved["area"]) == ("B-002-t", "B")
    assert (await desk.stored("Ticket", "B-002-t"))["id"] == moved["id"]
    assert (await desk.create("Ticket", area="B"))["name"] == "B-003-t"
