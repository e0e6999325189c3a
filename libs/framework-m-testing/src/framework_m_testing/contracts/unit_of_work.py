"""The contract of `UnitOfWorkProtocol`."""

from __future__ import annotations

import asyncio

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.documents.doctype import DocStatus
from framework_m_core.domain.errors import FrameworkError, TransientError
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.interfaces.idempotency import StoredResponse
from framework_m_core.interfaces.reader import ChildSelection, Lock, QueryTemplate
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_testing.contracts.contract import StoreContract
from framework_m_testing.harness import StoreHarness

__all__ = ["UnitOfWorkContract"]


async def _write(store: StoreHarness, unit: UnitOfWorkProtocol, text: str = "x") -> object:
    thing = await unit.repository("Thing").insert(store.new("Thing", text=text, slots=[{"what": "row"}]))
    unit.audit(store.make_entry(thing, 1))
    unit.record(store.make_event(thing, 1))
    return thing.id


async def _traces(store: StoreHarness, id: object) -> tuple[bool, int, int]:
    """Return whether the document exists, and its numbers of audit entries and pending events."""
    entries = await store.audit_log.list_entries(store.context, "Thing", id)  # type: ignore[arg-type]
    batch = await store.outbox.read(0, 1000, lambda _: True)
    events = [event for event in batch.events if event.document_id == id]
    return await store.load("Thing", id) is not None, len(entries), len(events)  # type: ignore[arg-type]


class UnitOfWorkContract(StoreContract):
    """The contract of `UnitOfWorkProtocol`. Provide a fixture `open_store`."""

    async def test_a_commit_stores_everything_together(self, store: StoreHarness) -> None:
        """A commit stores document, audit entry and event together."""
        async with store.units(store.context) as unit:
            id = await _write(store, unit)
            await unit.commit()
        assert await _traces(store, id) == (True, 1, 1)

    @pytest.mark.parametrize("flushed", [False, True])
    async def test_leaving_without_commit_or_by_an_error_stores_nothing(
        self, store: StoreHarness, flushed: bool
    ) -> None:
        """Nothing is stored without a commit or after an error, even if writes had been flushed."""
        async with store.units(store.context) as unit:
            left = await _write(store, unit)
            if flushed:
                await unit.flush()
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the write belongs to the unit
            async with store.units(store.context) as unit:
                failed = await _write(store, unit)
                if flushed:
                    await unit.flush()
                raise ZeroDivisionError
        assert await _traces(store, left) == await _traces(store, failed) == (False, 0, 0)

    async def test_a_savepoint_is_undone_alone(self, store: StoreHarness) -> None:
        """A failed savepoint is rolled back with everything recorded in it, including nested savepoints."""
        async with store.units(store.context) as unit:
            kept = await _write(store, unit)
            with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the write belongs to the savepoint
                async with unit.savepoint():
                    undone = await _write(store, unit)
                    async with unit.savepoint():
                        nested = await _write(store, unit)
                    raise ZeroDivisionError
            async with unit.savepoint():
                second = await _write(store, unit)
            await unit.commit()
        assert await _traces(store, kept) == await _traces(store, second) == (True, 1, 1)
        assert await _traces(store, undone) == await _traces(store, nested) == (False, 0, 0)

    async def test_cancellation_at_any_point_leaves_all_or_nothing(self, store: StoreHarness) -> None:
        """A cancelled unit of work is stored completely or not at all, and the store keeps working."""
        for pause in range(12):
            ids: list[object] = []

            async def work(ids: list[object] = ids) -> None:
                async with store.units(store.context) as unit:
                    ids.append(await _write(store, unit))
                    await unit.flush()
                    await unit.commit()

            task = asyncio.create_task(work())
            for _ in range(pause):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            for id in ids:
                assert await _traces(store, id) in {(True, 1, 1), (False, 0, 0)}
        assert await store.store("Thing")

    async def test_nobody_else_sees_what_is_not_committed(self, store: StoreHarness) -> None:
        """Flushed but uncommitted updates and inserts are invisible to others."""
        thing = await store.store("Thing", text="old")
        thing.text = "new"
        async with store.units(store.context) as unit:
            await unit.repository("Thing").update(thing, expected_version=1)
            added = await _write(store, unit)
            await unit.flush()
            assert (await store.load("Thing", thing.id)).text == "old"
            assert await _traces(store, added) == (False, 0, 0)
            await unit.commit()
        assert (await store.load("Thing", thing.id)).text == "new"

    @pytest.mark.parametrize("lock", ["share", "change", "update"])
    async def test_a_locked_row_stays_until_the_unit_ends(self, store: StoreHarness, lock: Lock) -> None:
        """Other units cannot delete a locked row; under `change` and `update` they cannot change it either.

        On a store without blocking locks they can, and the unit that has locked it cannot commit then.
        """
        shelf = await store.store("Shelf", label="old")
        where, parameters = parameterize(Comparison("id", "eq", shelf.id))
        handle = store.reader.prepare(QueryTemplate(store.registry.get("Shelf"), ("label",), where, lock=lock))

        async def disturb() -> None:
            async with store.units(store.context) as unit:
                shelves = unit.repository("Shelf")
                if lock != "share":
                    await shelves.update_where(Comparison("id", "eq", shelf.id), {"label": "new"})
                else:
                    await shelves.delete(shelf.id)
                await unit.commit()

        async with store.units(store.context) as unit:
            await unit.fetch(handle, parameters)
            if StoreCapability.BLOCKING_LOCKS not in store.capabilities:
                await disturb()
                await _write(store, unit)
                with pytest.raises(TransientError):
                    await unit.commit()
                return
            disturbing = asyncio.create_task(disturb())
            await asyncio.sleep(0.05)
            assert not disturbing.done()
            assert [tuple(row) for row in await unit.fetch(handle, parameters)] == [("old",)]
            await unit.commit()
        await disturbing
        found = await store.load("Shelf", shelf.id)
        assert (found and found.label) == ("new" if lock != "share" else None)

    async def test_a_locked_read_that_waits_sees_one_version(self, store: StoreHarness) -> None:
        """A locked read that has waited for a writer returns the writer's document: its fields and its child rows."""
        thing = await store.store("Thing", text="old", slots=[{"what": "old"}])
        where, parameters = parameterize(Comparison("id", "eq", thing.id))
        chosen = ("text", ChildSelection("slots", ("what",)))
        handle = store.reader.prepare(QueryTemplate(store.registry.get("Thing"), chosen, where, lock="update"))

        async def read() -> list[object]:
            async with store.units(store.context) as unit:
                return [list(row) for row in await unit.fetch(handle, parameters)]

        thing.text, thing.slots[0].what = "new", "new"
        async with store.units(store.context) as writer:
            await writer.repository("Thing").update(thing, expected_version=1)
            await writer.flush()
            reading = asyncio.create_task(read())
            await asyncio.sleep(0.05)
            await writer.commit()
        seen = "new" if StoreCapability.BLOCKING_LOCKS in store.capabilities else "old"
        assert await reading == [[seen, [(seen,)]]]

    async def test_a_unit_that_ends_while_it_begins_leaves_nothing_open(self, store: StoreHarness) -> None:
        """A unit that ends while its transaction begins, as when a hook's tasks outlive it, leaks nothing."""
        async with store.units(store.context) as holder:
            await holder.allocate("A-")
            late = store.units(store.context)
            await late.__aenter__()
            waiting = [asyncio.create_task(late.allocate("B-")) for _ in range(2)]
            await asyncio.sleep(0)
            await late.rollback()
            await holder.commit()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(outcome, FrameworkError) for outcome in outcomes)
        assert await store.counter.allocate(store.context, "B-") == 1

    async def test_a_closed_unit_says_so(self, store: StoreHarness) -> None:
        """Using a repository of a closed unit raises an error that says so."""
        async with store.units(store.context) as unit:
            things = unit.repository("Thing")
            await unit.commit()
        with pytest.raises(FrameworkError, match="closed"):
            await things.insert(store.new("Thing"))

    async def test_callbacks_run_after_the_commit_and_cannot_harm_it(self, store: StoreHarness) -> None:
        """A failing callback is logged and does not undo the commit; without a commit, no callback runs."""
        ran = []

        async def callback() -> None:
            ran.append(1)
            raise ZeroDivisionError

        async with store.units(store.context) as unit:
            id = await _write(store, unit)
            unit.after_commit(callback)
            assert not ran
            await unit.commit()
        async with store.units(store.context) as unit:
            unit.after_commit(callback)
        assert ran == [1]
        assert (await _traces(store, id))[0]

    async def test_callbacks_run_although_the_caller_is_cancelled_meanwhile(self, store: StoreHarness) -> None:
        """All callbacks of a commit run before the cancellation is raised."""
        reached, ran = asyncio.Event(), []

        async def slow() -> None:
            reached.set()
            await asyncio.sleep(0.05)

        async def last() -> None:
            ran.append(1)

        async def work() -> None:
            async with store.units(store.context) as unit:
                await _write(store, unit)
                unit.after_commit(slow)
                unit.after_commit(last)
                await unit.commit()

        working = asyncio.create_task(work())
        await reached.wait()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert ran == [1]

    async def test_linking_finds_the_live_documents_that_link(self, store: StoreHarness) -> None:
        """`find_referrers` finds links in fields and in child rows, of live documents unless asked for deleted ones."""
        shelf, other = await store.store("Shelf", label="a"), await store.store("Shelf", label="b")
        thing = await store.store("Thing", shelf=shelf.id)
        row = await store.store("Thing", slots=[{"what": "x", "shelf": other.id}, {"what": "y", "shelf": other.id}])
        thing.deleted_at = thing.modified
        async with store.units(store.context) as unit:
            assert list(await unit.find_referrers("Shelf", shelf.id)) == [("Thing", thing.id)]
            await unit.repository("Thing").update(thing, expected_version=1)
            assert list(await unit.find_referrers("Shelf", shelf.id)) == []
            assert list(await unit.find_referrers("Shelf", shelf.id, "all")) == [("Thing", thing.id)]
            assert list(await unit.find_referrers("Shelf", other.id)) == [("Thing", row.id)]

    async def test_a_cancelled_document_links_no_longer(self, store: StoreHarness) -> None:
        """`find_referrers` leaves cancelled documents out unless asked for all."""
        shelf = await store.store("Shelf", label="a")
        thing = await store.store("Thing", shelf=shelf.id)
        thing.docstatus = DocStatus.CANCELLED
        async with store.units(store.context) as unit:
            await unit.repository("Thing").update(thing, expected_version=1)
            assert list(await unit.find_referrers("Shelf", shelf.id)) == []
            assert list(await unit.find_referrers("Shelf", shelf.id, "all")) == [("Thing", thing.id)]

    async def test_an_answer_is_kept_once(self, store: StoreHarness) -> None:
        """A second unit with the same live idempotency key fails and stores nothing."""
        response = StoredResponse("key", "hash", 201, b'{"a":1}', '"e"', "/x", system_clock().replace(year=2999))
        async with store.units(store.context) as unit:
            first = await _write(store, unit)
            unit.remember(response)
            await unit.commit()
        with pytest.raises(TransientError):  # noqa: PT012 - either call may notice
            async with store.units(store.context) as unit:
                second = await _write(store, unit)
                unit.remember(response)
                await unit.commit()
        assert (await _traces(store, first))[0]
        assert await _traces(store, second) == (False, 0, 0)
        assert await store.idempotency.find(store.context, "key") == response
