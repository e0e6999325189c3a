"""Units of work beside each other, and what callers can do to what is stored: nothing."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_core.domain.errors import (
    DuplicateNameError,
    DuplicateValueError,
    IntegrityError,
    LinkedDocumentError,
    VersionConflictError,
)
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.reader import ChildSelection, QueryTemplate
from framework_m_testing.harness import OpenStore, StoreHarness, build_sample_registry


async def test_readers_and_other_units_go_on_while_one_writes(store: StoreHarness) -> None:
    thing = await store.store("Thing", text="old")
    handle = store.reader.prepare(QueryTemplate(store.registry.get("Thing"), ("text",)))
    async with store.units(store.context) as unit:
        await unit.repository("Thing").update_where(Comparison("text", "eq", "old"), {"text": "new"})
        assert await unit.fetch(handle, ()) == [("new",)]
        assert await store.reader.fetch(store.context, handle, ()) == [("old",)]
        async with store.units(store.context) as other:
            kept: Any = await other.repository("Thing").get(thing.id)
            assert kept.text == "old"
        await unit.commit()
    assert await store.reader.fetch(store.context, handle, ()) == [("new",)]


async def test_two_openings_share_what_is_committed_and_their_writers_take_turns(
    store: StoreHarness, open_store: OpenStore
) -> None:
    async with open_store(build_sample_registry()) as other:
        thing = await store.store("Thing")
        assert (await other.load("Thing", thing.id)) == thing
        await other.store("Shelf", name="a", label="a")
        with pytest.raises(DuplicateNameError):
            await store.store("Shelf", name="a", label="b")


async def test_a_refused_statement_changes_nothing_and_the_unit_goes_on(store: StoreHarness) -> None:
    kept = await store.store("Shelf", name="a", label="a")
    for name in ("b", "c"):
        await store.store("Shelf", name=name, label=name)
    async with store.units(store.context) as unit:
        shelves = unit.repository("Shelf")
        with pytest.raises(DuplicateValueError):
            await shelves.update_where(Comparison("name", "in", ("b", "c")), {"label": "same"})
        with pytest.raises(DuplicateValueError):
            await shelves.insert(store.new("Shelf", name="d", label="a"))
        kept.label = "stale"
        with pytest.raises(VersionConflictError):
            await shelves.update(kept, expected_version=5)
        await shelves.insert(store.new("Shelf", name="d", label="d"))
        await unit.commit()
    async with store.units(store.context) as unit:
        found = [shelf async for shelf in unit.repository("Shelf").stream()]
    assert sorted((shelf.name, shelf.label, shelf.row_version) for shelf in found) == [(x, x, 1) for x in "abcd"]


async def test_a_key_is_free_again_in_the_unit_that_freed_it_and_after_an_undone_savepoint(store: StoreHarness) -> None:
    first = await store.store("Shelf", name="a", label="a")
    async with store.units(store.context) as unit:
        shelves = unit.repository("Shelf")
        await shelves.delete(first.id)
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the write belongs to the savepoint
            async with unit.savepoint():
                await shelves.insert(store.new("Shelf", name="a", label="undone"))
                raise ZeroDivisionError
        await shelves.insert(store.new("Shelf", name="a", label="a"))
        await unit.commit()
    with pytest.raises(DuplicateNameError):
        await store.store("Shelf", name="a", label="b")
    await store.store("Shelf", name="b", label="undone")


async def test_rows_of_two_documents_share_no_id(store: StoreHarness) -> None:
    thing = await store.store("Thing", slots=[{"what": "mine"}])
    row = thing.slots[0].id
    with pytest.raises(IntegrityError):
        await store.store("Thing", slots=[{"id": row, "what": "also mine"}])
    async with store.units(store.context) as unit:
        await unit.repository("Thing").delete(thing.id)
        await unit.commit()
    await store.store("Thing", slots=[{"id": row, "what": "free again"}])


async def test_linked_documents_go_together_or_not_at_all(store: StoreHarness) -> None:
    shelf, other = await store.store("Shelf", label="a"), await store.store("Shelf", label="b")
    thing = await store.store("Thing", shelf=shelf.id)
    async with store.units(store.context) as unit:
        shelves = unit.repository("Shelf")
        with pytest.raises(IntegrityError):
            await shelves.delete_where(Comparison("label", "in", ("a", "b")))
        assert await shelves.count() == 2
        with pytest.raises(LinkedDocumentError):
            await shelves.delete(shelf.id)
        await unit.repository("Thing").delete(thing.id)
        assert await shelves.delete_where(Comparison("label", "in", ("a", "b"))) == 2
        await unit.commit()
    assert await store.load("Shelf", other.id) is None


@pytest.mark.parametrize("values", [{"text": None}, {"number": 1 << 63}, {"text": "\0"}])
async def test_values_that_no_store_can_hold_are_refused(store: StoreHarness, values: dict[str, Any]) -> None:
    thing = await store.store("Thing")
    async with store.units(store.context) as unit:
        with pytest.raises(IntegrityError, match="refuses"):
            await unit.repository("Thing").update_where(Comparison("id", "eq", thing.id), values)


async def test_rows_that_a_reader_gave_away_are_the_callers_own(store: StoreHarness) -> None:
    await store.store("Thing", tags=["a"], extra={"b": [1]}, slots=[{"what": "row"}])
    handle = store.reader.prepare(
        QueryTemplate(store.registry.get("Thing"), ("tags", "extra", ChildSelection("slots", ("what",))))
    )
    for _ in range(2):
        ((tags, extra, rows),) = await store.reader.fetch(store.context, handle, ())
        assert (tags, extra, rows) == (["a"], {"b": [1]}, [("row",)])
        tags.append("changed")
        extra["b"].append("changed")
        rows.clear()


async def test_what_is_recorded_is_as_it_was_when_it_was_recorded(store: StoreHarness) -> None:
    thing = await store.store("Thing")
    data, changes = {"list": [1]}, {"text": ["a", "b"]}
    async with store.units(store.context) as unit:
        unit.record(store.make_event(thing, 1, data))
        entry = store.make_entry(thing, 1)
        entry.changes["text"][:] = changes["text"]
        unit.audit(entry)
        data["list"].append(2)
        entry.changes["text"].append("later")
        await unit.commit()
    for _ in range(2):
        (event,) = (await store.outbox.read(0, 10, lambda _: True)).events
        (found,) = await store.audit_log.list_entries(store.context, "Thing", thing.id)
        assert (event.data, found.changes) == ({"list": [1]}, changes)
        event.data["list"].append(3)
        found.changes["text"].append("later")
