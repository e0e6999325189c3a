"""The contracts of counters, idempotency stores, outboxes and audit logs."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.events import NO_DOCUMENT, Interest, PublishedEvent
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.interfaces.consumers import Progress, SetAside
from framework_m_core.interfaces.idempotency import StoredResponse
from framework_m_core.interfaces.outbox import EventBatch
from framework_m_testing.contracts.contract import StoreContract, require_capability
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
            response = StoredResponse("key", "hash", 200, body, None, None, now + timedelta(seconds=1))
            async with store.units(store.context) as unit:
                unit.remember(response)
                await unit.commit()
            assert await store.idempotency.find(store.context, "key") == response
            assert await store.idempotency.find(later, "key") is None
            assert await store.idempotency.prune(now + timedelta(seconds=2)) == 1
        assert await store.idempotency.find(store.context, "other") is None


class _Payload(BaseModel):
    pass


def _all(topic: str) -> bool:
    return True


class OutboxContract(StoreContract):
    """The contract of `OutboxProtocol`. Provide a fixture `open_store`."""

    async def _record(self, store: StoreHarness, *versions: int) -> Any:
        thing = await store.store("Thing")
        for version in versions:
            async with store.units(store.context) as unit:
                unit.record(store.make_event(thing, version))
                await unit.commit()
        return thing

    async def test_events_are_read_as_they_were_in_order_from_a_position(self, store: StoreHarness) -> None:
        """Whether or not anybody wants them; reading changes nothing."""
        thing = await self._record(store, 1, 2, 3)
        for _ in range(2):
            batch = await store.outbox.read(0, 10, _all)
            assert [(event.version, event.data, event.type, event.key, event.topic) for event in batch.events] == [
                (version, {"n": version}, "doc.updated", str(thing.id), "doc.updated:Thing") for version in (1, 2, 3)
            ]
        positions = [event.position for event in batch.events]
        assert (positions, batch.upto, batch.more) == (sorted(positions), positions[-1], False)
        after = await store.outbox.read(positions[0], 1, _all)
        assert ([event.version for event in after.events], after.upto, after.more) == ([2], positions[1], True)
        assert await store.outbox.read(positions[-1], 10, _all) == EventBatch([], positions[-1], False)

    async def test_only_wanted_topics_are_read_and_the_others_passed(self, store: StoreHarness) -> None:
        """The position moves past what is not wanted."""
        await self._record(store, 1, 2)
        asked: list[str] = []

        def unwanted(topic: str) -> bool:
            asked.append(topic)
            return False

        batch = await store.outbox.read(0, 10, unwanted)
        assert (list(batch.events), asked) == ([], ["doc.updated:Thing"] * 2)
        assert list((await store.outbox.read(batch.upto, 10, _all)).events) == []

    async def test_an_event_of_an_app_is_stored_with_key_and_topic(self, store: StoreHarness) -> None:
        """One about no document, and one with every part of the envelope."""
        plain = PublishedEvent(
            id=uuid4(), type="shop.closed", key="x", occurred_at=system_clock(), actor="a", data={"ä": [1, None]},
            payload=_Payload(),
        )  # fmt: skip
        whole = dataclasses.replace(
            plain, id=uuid4(), doctype="Thing", key="order 7", tenant="t", correlation_id=uuid4(), causation_id=uuid4()
        )
        async with store.units(store.context) as unit:
            unit.record(plain)
            unit.record(whole)
            await unit.commit()
        first, second = (await store.outbox.read(0, 10, _all)).events
        assert (first.topic, first.document_id, second.topic) == ("shop.closed", NO_DOCUMENT, "shop.closed:Thing")
        for event, stored in ((plain, first), (whole, second)):
            names = [one.name for one in dataclasses.fields(event) if one.name != "payload"]
            assert {name: getattr(stored, name) for name in names} == {name: getattr(event, name) for name in names}

    async def test_old_events_are_pruned_once_all_consumers_have_passed_them(self, store: StoreHarness) -> None:
        """And not while one has parked them."""
        now, later = system_clock(), system_clock() + timedelta(days=1)
        await self._record(store, 1, 2)
        await store.consumers.register({"one": Interest(["*"]), "other": Interest(["*"])}, now)
        first, second = (await store.outbox.read(0, 10, _all)).events
        for name in ("one", "other"):
            assert await store.consumers.lease(name, "a", now, timedelta(seconds=15)) == 0
        parked = SetAside(first.position, first.key, 10, error="boom", parked=True)
        await store.consumers.save("one", "a", Progress(second.position, [parked]))
        assert await store.outbox.prune(later) == 0
        await store.consumers.save("other", "a", Progress(second.position))
        assert await store.outbox.prune(second.occurred_at) == 0
        assert await store.outbox.prune(later) == 1
        assert (await store.outbox.read(0, 10, _all)).events == [first]
        await store.consumers.save("one", "a", Progress(second.position, handled=[first.position]))
        assert await store.outbox.prune(later) == 1
        await self._record(store, 3)
        (third,) = (await store.outbox.read(second.position, 10, _all)).events
        assert third.version == 3


class AuditLogContract(StoreContract):
    """The contract of `AuditLogProtocol`. Provide a fixture `open_store`."""

    async def test_entries_come_back_oldest_first(self, store: StoreHarness) -> None:
        """The newest entries of one document are returned unchanged, oldest first."""
        thing, other = await store.store("Thing"), await store.store("Thing")
        now = system_clock()
        written = [store.make_entry(thing, version, now + timedelta(seconds=version)) for version in (1, 2, 3)]
        async with store.units(store.context) as unit:
            for entry in (*written, store.make_entry(other, 1)):
                unit.audit(entry)
            await unit.commit()
        assert await store.audit_log.list_entries(store.context, "Thing", thing.id, limit=2) == written[1:]
        assert await store.audit_log.list_entries(store.context, "Shelf", thing.id) == []

    async def test_what_callers_do_to_an_entry_is_not_stored(self, store: StoreHarness) -> None:
        """Mutating an entry object, before or after it is read, does not affect the log."""
        thing, entry, kept = await self._append(store)
        for touched in (entry, *await store.audit_log.list_entries(store.context, "Thing", thing.id)):
            touched.changes["text"].append("later")
        assert await store.audit_log.list_entries(store.context, "Thing", thing.id) == [kept]

    @require_capability(StoreCapability.APPEND_ONLY_AUDIT)
    async def test_what_was_written_is_neither_changed_nor_removed(self, store: StoreHarness) -> None:
        """The store rejects each of its harness's tamperings."""
        thing, _, kept = await self._append(store)
        assert len(store.tamperings) >= 2
        for tampering in store.tamperings:
            with pytest.raises(Exception):  # noqa: B017, PT011 - each store raises its own error
                await tampering()
        assert await store.audit_log.list_entries(store.context, "Thing", thing.id) == [kept]

    async def _append(self, store: StoreHarness) -> tuple[Any, AuditEntry, AuditEntry]:
        """Store a document with an entry; return both, and a copy of the entry."""
        thing = await store.store("Thing")
        entry = store.make_entry(thing, 1)
        kept = copy.deepcopy(entry)
        async with store.units(store.context) as unit:
            unit.audit(entry)
            await unit.commit()
        return thing, entry, kept
