"""Another registry takes the place of the current one while requests run, on every store.

In the second one a DocType has a field more, and a hook that fills it and makes a document of another DocType, which
has a field more as well: whatever is answered was made wholly by the one or wholly by the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast
from uuid import UUID

import pytest

from framework_m import Controller, DocType, Field
from framework_m_core.domain.context import Principal, RequestContext, UnitView
from framework_m_core.domain.errors import QueryError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.registry_changes import RegistryChanges
from framework_m_testing.harness import keep_registry
from tests.mongo_server import GIVEN, SWAPS_HANG

from .wiring import CONTEXT, Wired, wired

_MARKED = "by the hook"
_CALLS, _SWAPS = 10, 12


class Note(DocType):
    text: str = ""


class Trip(DocType):
    title: str = ""
    note: UUID | None = Field(default=None, link="Note")


class TripController(Controller[Trip]):
    async def before_save(self) -> None:
        if self.doc.note is None:
            note = await self.documents.create("Note", {"text": self.doc.title})
            self.doc.note = note["id"]


class Ticket(DocType):
    seat: str = ""


class MarkedTrip(Trip):
    mark: str = "none"

    class Meta:
        overrides = True


class MarkedNote(Note):
    kind: str = "none"

    class Meta:
        overrides = True


class MarkedTripController(Controller[MarkedTrip]):
    async def before_save(self) -> None:
        self.doc.mark = _MARKED


class MarkedNoteController(Controller[MarkedNote]):
    async def before_save(self) -> None:
        self.doc.kind = _MARKED


def _builder() -> RegistryBuilder:
    builder = RegistryBuilder()
    for doctype in (Note, Trip):
        builder.add_doctype(doctype, "travel")
    builder.add_controller(TripController)
    return builder


def _plain() -> Registry:
    return _builder().freeze()


def _marked() -> Registry:
    builder = _builder()
    for doctype in (MarkedTrip, MarkedNote):
        builder.add_doctype(doctype, "marks")
    for controller in (MarkedTripController, MarkedNoteController):
        builder.add_controller(controller)
    return builder.freeze()


@pytest.fixture
async def travel(database_url: str) -> AsyncIterator[Wired]:
    async with wired(database_url, _plain()) as opened:
        yield opened


@pytest.fixture
def changes(travel: Wired) -> RegistryChanges:
    return RegistryChanges(travel.adapters.registry_handle, travel.adapters.schema_mapper, keep_registry)


def _is_whole(document: Mapping[str, Any], field: str) -> bool:
    return bool(document.get(field, _MARKED) == _MARKED)


async def _work(travel: Wired, number: int) -> None:
    """What a caller does again and again; every call must succeed and be of one registry."""
    made = await travel.create("Trip", title=f"trip {number}")
    assert _is_whole(made, "mark")
    trip = await travel.stored("Trip", made["id"])
    expanded = await travel.queries.get(CONTEXT, "Trip", made["id"], expand=("note",))
    assert ("mark" in expanded) == ("kind" in expanded["note"]), expanded
    changed = await travel.documents.update(CONTEXT, "Trip", trip["id"], {"title": "changed"})
    assert _is_whole(changed, "mark")
    page = await travel.queries.list(CONTEXT, "Trip", ListRequest(limit=5, order_by=("title",)))
    assert len({frozenset(item) for item in page.items}) == 1
    await travel.documents.delete(CONTEXT, "Trip", trip["id"])


async def test_no_call_fails_and_none_sees_half_of_either(
    travel: Wired, changes: RegistryChanges, database_url: str
) -> None:
    if database_url.startswith("mongodb") and GIVEN is None:
        pytest.skip(SWAPS_HANG)
    plain, marked, swapped = travel.adapters.registry, _marked(), asyncio.Event()
    async with asyncio.TaskGroup() as working:
        for worker in range(4):
            working.create_task(_several(travel, worker, swapped))
        for number in range(_SWAPS):
            await changes.apply((marked, plain)[number % 2])
            await travel.create("Note", text="between swaps")
        swapped.set()


async def _several(travel: Wired, worker: int, enough: asyncio.Event) -> None:
    number = 0
    while not enough.is_set() or number < _CALLS:
        await _work(travel, 10_000 * worker + number)
        number += 1


async def test_what_has_begun_keeps_its_registry(travel: Wired, changes: RegistryChanges) -> None:
    begun = travel.adapters.registry_handle.pin(CONTEXT)
    await changes.apply(_marked())
    made = await travel.documents.create(begun, "Trip", {"title": "old"})
    note = await travel.documents.get(begun, "Note", made["note"])
    assert ("mark" in made, "kind" in note) == (False, False)
    now = await travel.stored("Trip", made["id"])
    assert now["mark"] == "none"
    assert (await travel.documents.update(CONTEXT, "Trip", made["id"], {"title": "new"}))["mark"] == _MARKED
    assert "mark" not in await travel.documents.get(begun, "Trip", made["id"])
    changed = await travel.documents.update(begun, "Trip", made["id"], {"title": "newer"})
    assert "mark" not in changed
    assert (await travel.stored("Trip", made["id"]))["mark"] == _MARKED, "what the old one does not know is kept"


async def test_a_hook_acting_as_the_system_stays_in_its_request(travel: Wired) -> None:
    context = travel.adapters.registry_handle.pin(RequestContext(Principal("tester")))
    assert context.elevated("a hook").registry is context.within(cast(UnitView, object())).registry is context.registry


async def test_cursors_go_on_or_give_their_code(travel: Wired, changes: RegistryChanges) -> None:
    plain = travel.adapters.registry
    await changes.apply(_marked())
    for number in range(3):
        await travel.create("Trip", title=f"trip {number}")
    by_title = await travel.queries.list(CONTEXT, "Trip", ListRequest(limit=2, order_by=("title",)))
    by_mark = await travel.queries.list(CONTEXT, "Trip", ListRequest(limit=2, order_by=("mark",)))
    await changes.apply(plain)
    rest = await travel.queries.list(
        CONTEXT, "Trip", ListRequest(limit=2, order_by=("title",), cursor=by_title.next_cursor)
    )
    assert [item["title"] for item in rest.items] == ["trip 2"]
    with pytest.raises(QueryError):
        await travel.queries.list(CONTEXT, "Trip", ListRequest(limit=2, order_by=("mark",), cursor=by_mark.next_cursor))


async def test_a_new_doctype_and_one_that_goes(travel: Wired, changes: RegistryChanges) -> None:
    plain, builder = travel.adapters.registry, _builder()
    builder.add_doctype(Ticket, "more")
    await changes.apply(builder.freeze())
    ticket = await travel.create("Ticket", seat="12a")
    await changes.apply(plain)
    assert "Ticket" not in travel.adapters.registry.doctypes
    await changes.apply(builder.freeze())
    assert (await travel.stored("Ticket", ticket["id"]))["seat"] == "12a"
