"""The contract of `RepositoryProtocol`."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from framework_m_core.domain.errors import (
    DuplicateNameError,
    DuplicateValueError,
    RepositoryError,
    VersionConflictError,
)
from framework_m_core.domain.fields.values import MAX_JSON_DEPTH
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.domain.page import OrderSpec
from framework_m_core.services.documents.validation import dump_document
from framework_m_testing.contracts.contract import StoreContract
from framework_m_testing.harness import StoreHarness

__all__ = ["RepositoryContract"]


class RepositoryContract(StoreContract):
    """The contract of `RepositoryProtocol`. Provide a fixture `open_store`."""

    async def test_a_document_comes_back_as_it_was_stored(self, store: StoreHarness) -> None:
        """A document is loaded as stored, including child rows, their order, decimals and nulls."""
        thing = await store.store("Thing", text="AT&T <b>", price="1.50", slots=[{"what": "b"}, {"what": "a"}])
        loaded = await store.load("Thing", thing.id)
        assert loaded == thing
        assert loaded.row_version == 1
        assert [row.what for row in loaded.slots] == ["b", "a"]

    async def test_json_is_stored_as_deep_as_fields_accept_it(self, store: StoreHarness) -> None:
        """A JSON value with the most levels that a field accepts is loaded as stored."""
        deepest: list[Any] = []
        for _ in range(MAX_JSON_DEPTH - 1):
            deepest = [deepest]
        thing = await store.store("Thing", extra={"deepest": deepest})
        assert (await store.load("Thing", thing.id)).extra == {"deepest": deepest}

    async def test_what_callers_do_to_a_document_is_not_stored(self, store: StoreHarness) -> None:
        """Mutating a stored document after the commit, or a loaded one or its containers, does not change the store."""
        given = await store.store("Thing", tags=["a"], extra={"b": ["c"]}, slots=[{"what": "row"}])
        kept = given.model_copy(deep=True)
        for thing in (given, await store.load("Thing", given.id)):
            thing.text, thing.slots[0].what = "changed", "changed"
            thing.tags.append("changed")
            thing.extra["b"].append("changed")
            thing.slots.clear()
        assert await store.load("Thing", given.id) == kept

    async def test_an_insert_never_changes_what_is_there(self, store: StoreHarness) -> None:
        """The id of a stored document cannot be inserted again."""
        thing = await store.store("Thing", text="first")
        with pytest.raises((RepositoryError, DuplicateValueError)):
            await store.store("Thing", id=thing.id, name="other", text="second")
        assert (await store.load("Thing", thing.id)).text == "first"

    async def test_an_update_raises_the_version_and_replaces_the_rows(self, store: StoreHarness) -> None:
        """An update increments the version and replaces the rows; the stored version must be the expected one."""
        thing = await store.store("Thing", slots=[{"what": "old"}, {"what": "gone"}])
        thing.text, thing.slots = "new", thing.slots[:1]
        async with store.units(store.context) as unit:
            await unit.repository("Thing").update(thing, expected_version=1)
            await unit.commit()
        loaded = await store.load("Thing", thing.id)
        assert (loaded.text, loaded.row_version, [row.what for row in loaded.slots]) == ("new", 2, ["old"])

    async def test_an_update_may_know_what_is_stored(self, store: StoreHarness) -> None:
        """With the stored values at hand, an update stores exactly the same as without."""
        plan = store.registry.get("Thing")
        thing = await store.store("Thing", slots=[{"what": what} for what in "abcdef"])
        for letters in ("abcdef", "fedcba", "abc", "cXb", "", "Yab"):
            stored = dump_document(plan, thing)
            known = {row.what: row for row in thing.slots}
            new = store.new("Thing", slots=[{"what": what} for what in letters]).slots
            thing.slots = [known.get(row.what, row) for row in new]
            async with store.units(store.context) as unit:
                await unit.repository("Thing").update(thing, expected_version=thing.row_version, stored=stored)
                await unit.commit()
            assert await store.load("Thing", thing.id) == thing

    async def test_a_stale_update_conflicts_and_changes_nothing(self, store: StoreHarness) -> None:
        """An update with a version other than the stored one, or of a missing document, conflicts."""
        thing = await store.store("Thing", text="first")
        for document, expected in ((thing, 7), (store.new("Thing"), 1)):
            document.text = "second"
            async with store.units(store.context) as unit:
                with pytest.raises(VersionConflictError):  # noqa: PT012 - either call may notice
                    await unit.repository("Thing").update(document, expected_version=expected)
                    await unit.commit()
        assert (await store.load("Thing", thing.id)).text == "first"

    async def test_save_inserts_what_was_made_here_and_updates_what_was_loaded(self, store: StoreHarness) -> None:
        """`save` inserts or updates by the document's version, never by the existence of its id."""
        thing = store.new("Thing", text="first")
        for text in ("first", "second"):
            thing.text = text
            async with store.units(store.context) as unit:
                await unit.repository("Thing").save(thing)
                await unit.commit()
        assert (await store.load("Thing", thing.id)).row_version == 2

    async def test_names_and_unique_fields_are_unique_among_live_documents(self, store: StoreHarness) -> None:
        """Names and unique fields of soft-deleted documents can be reused."""
        first = await store.store("Shelf", name="A", label="one")
        with pytest.raises(DuplicateNameError):
            await store.store("Shelf", name="A", label="two")
        with pytest.raises(DuplicateValueError):
            await store.store("Shelf", name="B", label="one")
        first.deleted_at = first.modified
        async with store.units(store.context) as unit:
            await unit.repository("Shelf").update(first, expected_version=1)
            await unit.commit()
        again = await store.store("Shelf", name="A", label="one")
        async with store.units(store.context) as unit:
            found = await unit.repository("Shelf").get_by_name("A")
        assert found is not None
        assert found.id == again.id

    async def test_links_are_real(self, store: StoreHarness) -> None:
        """Links to missing targets are rejected, also in child rows, and a linked document cannot be hard-deleted."""
        with pytest.raises(RepositoryError):
            await store.store("Thing", shelf=uuid4())
        with pytest.raises(RepositoryError):
            await store.store("Thing", slots=[{"what": "x", "shelf": uuid4()}])
        shelf = await store.store("Shelf", label="linked")
        await store.store("Thing", slots=[{"what": "x", "shelf": shelf.id}])
        async with store.units(store.context) as unit:
            with pytest.raises(Exception, match="link"):
                await unit.repository("Shelf").delete(shelf.id)
        assert await store.load("Shelf", shelf.id) is not None

    async def test_delete_takes_the_rows_along(self, store: StoreHarness) -> None:
        """Deleting removes the document and its rows, and returns True if it existed."""
        thing = await store.store("Thing", slots=[{"what": "x"}])
        async with store.units(store.context) as unit:
            assert await unit.repository("Thing").delete(thing.id)
            assert not await unit.repository("Thing").delete(thing.id)
            await unit.commit()
        assert await store.load("Thing", thing.id, include_deleted=True) is None

    async def test_a_unit_sees_its_own_writes(self, store: StoreHarness) -> None:
        """Reads flush the pending writes of their unit of work first."""
        async with store.units(store.context) as unit:
            things = unit.repository("Thing")
            thing = await things.insert(store.new("Thing", text="mine"))
            assert await things.exists(thing.id)
            loaded = await things.get(thing.id)
            assert loaded is not None
            assert loaded.text == "mine"
            assert await things.count(Comparison("text", "eq", "mine")) == 1

    async def test_pages_are_ordered_and_know_whether_there_is_more(self, store: StoreHarness) -> None:
        """Pages are ordered, by default newest first, and tell whether there is more."""
        made = [await store.store("Thing", number=number) for number in range(5)]
        async with store.units(store.context) as unit:
            things = unit.repository("Thing")
            newest = await things.list(limit=2)
            rest = await things.list(order_by=[OrderSpec("number")], limit=10, offset=3)
            streamed = [thing.id async for thing in things.stream(batch=2)]
        assert [thing.number for thing in newest.items] == [4, 3]
        assert newest.has_more
        assert ([thing.number for thing in rest.items], rest.has_more) == ([3, 4], False)
        assert streamed == [thing.id for thing in made]

    async def test_many_rows_change_and_go_by_a_filter(self, store: StoreHarness) -> None:
        """`update_where` increments versions and skips soft-deleted documents; `delete_where` removes rows."""
        kept, changed = await store.store("Thing", number=1), await store.store("Thing", number=2)
        async with store.units(store.context) as unit:
            things = unit.repository("Thing")
            assert await things.update_where(Comparison("number", "gt", 1), {"text": "big"}) == 1
            assert await things.delete_where(Comparison("number", "eq", 1)) == 1
            await unit.commit()
        loaded = await store.load("Thing", changed.id)
        assert (loaded.text, loaded.row_version) == ("big", 2)
        assert await store.load("Thing", kept.id, include_deleted=True) is None

    async def test_bulk_save_stores_all_in_order(self, store: StoreHarness) -> None:
        """`bulk_save` has the effect of calling `save` for each document in order."""
        async with store.units(store.context) as unit:
            await unit.repository("Thing").bulk_save([store.new("Thing", number=number) for number in range(3)])
            await unit.commit()
        async with store.units(store.context) as unit:
            assert await unit.repository("Thing").count() == 3
