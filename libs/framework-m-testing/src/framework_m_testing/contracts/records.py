"""The contracts of counters, idempotency stores, outboxes and audit logs."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
from datetime import timedelta

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.interfaces.idempotency import StoredAnswer
from framework_m_testing.contracts.contract import StoreContract
from framework_m_testing.harness import StoreHarness

__all__ = ["AuditLogContract", "CounterContract", "IdempotencyContract", "OutboxContract"]


class CounterContract(StoreContract):
    """The contract of `CounterProtocol`. Provide a fixture `open_store`."""

    async def test_no_number_is_given_twice(self, store: StoreHarness) -> None:
        """Concurrent callers get distinct numbers; a new counter starts at 1."""
        numbers = await asyncio.gather(*(store.counter.allocate(store.context, "A-") for _ in range(50)))
        assert sorted(numbers) == list(range(1, 51))

    async def test_a_block_is_reserved_whole(self, store: StoreHarness) -> None:
        """A reserved block is contiguous, and counters are independent of each other."""
        assert [await store.counter.allocate(store.context, name, 3) for name in ("A", "B", "A")] == [1, 1, 4]


class IdempotencyContract(StoreContract):
    """The contract of `IdempotencyProtocol`. Provide a fixture `open_store`."""

    async def test_an_answer_is_found_until_it_expires_and_its_key_is_free_then(self, store: StoreHarness) -> None:
        """A response is found until it expires, pruning removes it, and its key can be used again."""
        now = system_clock()
        later = dataclasses.replace(store.context, clock=lambda: now + timedelta(seconds=2))
        for body in (b'"first"', b'"second"'):
            answer = StoredAnswer("key", "hash", 200, body, None, None, now + timedelta(seconds=1))
            async with store.units(store.context) as unit:
                unit.remember(answer)
                await unit.commit()
            assert await store.idempotency.find(store.context, "key") == answer
            assert await store.idempotency.find(later, "key") is None
            assert await store.idempotency.prune(now + timedelta(seconds=2)) == 1
        assert await store.idempotency.find(store.context, "other") is None


class OutboxContract(StoreContract):
    """The contract of `OutboxProtocol`. Provide a fixture `open_store`."""

    async def _record(self, store: StoreHarness, *versions: int) -> object:
        thing = await store.store("Thing")
        for version in versions:
            async with store.units(store.context) as unit:
                unit.record(store.event(thing, version))
                await unit.commit()
        return thing.id

    async def test_events_wait_in_order_until_they_are_marked(self, store: StoreHarness) -> None:
        """Pending events are returned unchanged, in order, until they are marked as published."""
        await self._record(store, 1, 2, 3)
        now = system_clock()
        rows = await store.outbox.pending(now, 10)
        assert [(row.event.version, row.event.data, row.attempts) for row in rows] == [
            (version, {"n": version}, 0) for version in (1, 2, 3)
        ]
        await store.outbox.mark_published([rows[0].position], now)
        assert [row.event.version for row in await store.outbox.pending(now, 1)] == [2]
        assert await store.outbox.prune(now + timedelta(seconds=1)) == 1

    async def test_a_failed_event_holds_its_own_document_back_alone(self, store: StoreHarness) -> None:
        """A failed event blocks only its own document until its retry is due; an abandoned event blocks nothing."""
        failing, healthy = await self._record(store, 1, 2), await self._record(store, 1)
        now = system_clock()
        first = (await store.outbox.pending(now, 10))[0]
        await store.outbox.mark_failed(first.position, "boom", now + timedelta(minutes=1))
        assert [row.event.document_id for row in await store.outbox.pending(now, 10)] == [healthy]
        due = await store.outbox.pending(now + timedelta(minutes=2), 10)
        assert [(row.event.document_id, row.attempts) for row in due] == [(failing, 1), (failing, 0), (healthy, 0)]
        await store.outbox.mark_failed(first.position, "boom", None)
        assert [row.event.version for row in await store.outbox.pending(now, 10)] == [2, 1]

    async def test_an_event_that_nobody_handles_does_not_wait(self, store: StoreHarness) -> None:
        """An event without a handler is stored as delivered."""
        shelf = await store.store("Shelf", label="x")
        event = store.event(shelf, 1)
        async with store.units(store.context) as unit:
            unit.record(dataclasses.replace(event, doctype="Shelf"))
            await unit.commit()
        assert list(await store.outbox.pending(system_clock(), 10)) == []

    async def test_one_holder_has_the_lease(self, store: StoreHarness) -> None:
        """Only one holder has the lease, until it expires or is released."""
        now, long = system_clock(), timedelta(minutes=1)
        assert await store.outbox.lease("a", now, long)
        assert not await store.outbox.lease("b", now, long)
        assert await store.outbox.lease("a", now, long)
        assert [await store.outbox.is_leased(moment) for moment in (now, now + 2 * long)] == [True, False]
        assert await store.outbox.lease("b", now + 2 * long, long)
        await store.outbox.release("a")
        assert not await store.outbox.lease("a", now + 2 * long, long)
        await store.outbox.release("b")
        assert not await store.outbox.is_leased(now)
        assert await store.outbox.lease("a", now + 2 * long, long)


class AuditLogContract(StoreContract):
    """The contract of `AuditLogProtocol`. Provide a fixture `open_store`."""

    async def test_entries_come_back_oldest_first(self, store: StoreHarness) -> None:
        """The newest entries of one document are returned unchanged, oldest first."""
        thing, other = await store.store("Thing"), await store.store("Thing")
        now = system_clock()
        written = [store.entry(thing, version, now + timedelta(seconds=version)) for version in (1, 2, 3)]
        async with store.units(store.context) as unit:
            for entry in (*written, store.entry(other, 1)):
                unit.audit(entry)
            await unit.commit()
        assert await store.audit_log.entries(store.context, "Thing", thing.id, limit=2) == written[1:]
        assert await store.audit_log.entries(store.context, "Shelf", thing.id) == []

    async def test_what_was_written_is_neither_changed_nor_removed(self, store: StoreHarness) -> None:
        """The store rejects each of its harness's tamperings, and mutating an entry object does not affect the log."""
        thing = await store.store("Thing")
        entry = store.entry(thing, 1)
        kept = copy.deepcopy(entry)
        async with store.units(store.context) as unit:
            unit.audit(entry)
            await unit.commit()
        assert len(store.tamperings) >= 2
        for tampering in store.tamperings:
            with pytest.raises(Exception):  # noqa: B017, PT011 - each store raises its own error
                await tampering()
        for touched in (entry, *await store.audit_log.entries(store.context, "Thing", thing.id)):
            touched.changes["text"].append("later")
        assert await store.audit_log.entries(store.context, "Thing", thing.id) == [kept]
