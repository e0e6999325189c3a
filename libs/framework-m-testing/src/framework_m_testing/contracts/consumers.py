"""The contract of `ConsumersProtocol`: durable progress, each consumer's own."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.events import Interest, StoredEvent
from framework_m_core.interfaces.consumers import Progress, SetAside
from framework_m_testing.contracts.contract import StoreContract
from framework_m_testing.harness import OpenStore, StoreHarness, build_sample_registry

__all__ = ["ConsumersContract"]

_ALL = Interest(["*"])
_LEASE = timedelta(seconds=15)


async def _record(store: StoreHarness, *versions: int, thing: Any = None) -> Any:
    """Store events of a new thing, each in its own unit of work, and return the thing."""
    thing = thing or await store.store("Thing")
    for version in versions:
        async with store.units(store.context) as unit:
            unit.record(store.make_event(thing, version))
            await unit.commit()
    return thing


async def _registered(store: StoreHarness, *names: str) -> datetime:
    now = system_clock()
    await store.consumers.register(dict.fromkeys(names, _ALL), now)
    return now


async def _ahead(store: StoreHarness, name: str, holder: str = "a") -> list[StoredEvent]:
    """Return the events that a consumer has before it, taking its lease."""
    cursor = await store.consumers.lease(name, holder, system_clock(), _LEASE)
    assert cursor is not None
    return list((await store.outbox.read(cursor, 100, lambda _: True)).events)


def _aside(event: StoredEvent, **values: Any) -> SetAside:
    return SetAside(event.position, event.key, **values)


class ConsumersContract(StoreContract):
    """The contract of `ConsumersProtocol`. Provide a fixture `open_store`."""

    async def test_the_first_consumers_get_all_and_later_ones_what_comes_after_them(self, store: StoreHarness) -> None:
        """A consumer that is registered again keeps its cursor."""
        await _record(store, 1)
        now = await _registered(store, "first", "second")
        await _registered(store, "third")
        await store.consumers.register({"first": Interest(["doc.created"]), "third": _ALL}, now)
        await _record(store, 2)
        assert [event.version for event in await _ahead(store, "first")] == [1, 2]
        assert [event.version for event in await _ahead(store, "second")] == [1, 2]
        assert [event.version for event in await _ahead(store, "third")] == [2]
        states = {one.name: one.interest for one in await store.consumers.read_states(now, _LEASE)}
        assert states == dict(await store.consumers.read_interests())
        assert states == {"first": Interest(["doc.created"]), "second": _ALL, "third": _ALL}

    async def test_a_consumer_made_elsewhere_gets_the_write_that_follows_once(
        self, store: StoreHarness, open_store: OpenStore
    ) -> None:
        """Registered by one process, an event committed by another at once after: exactly one delivery."""
        await _registered(store, "old")
        async with open_store(build_sample_registry()) as worker_a, open_store(build_sample_registry()) as worker_b:
            thing = await worker_b.store("Thing")
            async with worker_b.units(worker_b.context) as unit:
                unit.record(worker_b.make_event(thing, 1))
                await worker_a.consumers.register({"new": _ALL}, system_clock())
                await unit.commit()
            (event,) = await _ahead(worker_a, "new")
            assert (event.document_id, event.version) == (thing.id, 1)
            assert await worker_a.consumers.save("new", "a", Progress(event.position))
            assert await _ahead(worker_a, "new") == []

    async def test_a_transaction_that_takes_long_is_not_passed_over(
        self, store: StoreHarness, open_store: OpenStore
    ) -> None:
        """What was recorded before and committed after others is delivered, and holds up no other document."""
        await _registered(store, "one")
        slow, quick = await store.store("Thing"), await store.store("Thing")
        async with open_store(build_sample_registry()) as other, store.units(store.context) as unit:
            await unit.repository("Thing").update(slow.model_copy(update={"text": "slow"}), expected_version=1)
            unit.record(store.make_event(slow, 2))
            await unit.flush()
            writing = asyncio.create_task(_record(other, 2, thing=quick))
            await asyncio.wait({writing}, timeout=0.3)
            if not writing.done():  # a store with one writer
                await unit.commit()
                await writing
            seen = await _ahead(other, "one")
            cursor = max(event.position for event in seen)
            assert await other.consumers.save("one", "a", Progress(cursor))
            if len(seen) == 1:
                assert seen[0].document_id == quick.id
                await unit.commit()
                seen += await _ahead(other, "one")
        assert sorted(str(event.document_id) for event in seen) == sorted([str(slow.id), str(quick.id)])

    async def test_one_holder_has_the_lease(self, store: StoreHarness) -> None:
        """Only one holder has the lease of a consumer, until it expires or is released; others are independent."""
        now, consumers = await _registered(store, "one", "other"), store.consumers
        assert await consumers.lease("one", "a", now, _LEASE) == 0
        assert await consumers.lease("one", "b", now, _LEASE) is None
        assert await consumers.lease("other", "b", now, _LEASE) == 0
        assert await consumers.lease("one", "a", now, _LEASE) == 0
        assert [one.leased for one in await consumers.read_states(now, _LEASE)] == [True, True]
        later = now + 2 * _LEASE
        assert [one.leased for one in await consumers.read_states(later, _LEASE)] == [False, False]
        assert await consumers.lease("one", "b", later, _LEASE) == 0
        await consumers.release("one", "a")
        assert await consumers.lease("one", "a", later, _LEASE) is None
        await consumers.release("one", "b")
        assert await consumers.lease("one", "a", later, _LEASE) == 0
        assert await consumers.lease("none", "a", now, _LEASE) is None

    async def test_only_the_holder_renews_the_lease(self, store: StoreHarness) -> None:
        """A lease that another holder has had since is not renewed, though it is free again."""
        now, consumers = await _registered(store, "one", "other"), store.consumers
        assert not await consumers.renew("one", "a", now, _LEASE)
        assert await consumers.lease("one", "a", now, _LEASE) == 0
        assert await consumers.renew("one", "a", now + _LEASE / 2, _LEASE)
        assert await consumers.lease("one", "b", now + _LEASE, _LEASE) is None
        assert not await consumers.renew("one", "b", now, _LEASE)
        assert not await consumers.renew("other", "a", now, _LEASE)
        later = now + 2 * _LEASE
        assert await consumers.renew("one", "a", later, _LEASE)
        assert await consumers.lease("one", "b", later + _LEASE, _LEASE) == 0
        assert not await consumers.renew("one", "a", later + _LEASE, _LEASE)
        await consumers.release("one", "b")
        assert not await consumers.renew("one", "a", later + _LEASE, _LEASE)
        assert not (await consumers.read_states(later + _LEASE, _LEASE))[0].leased
        assert not await consumers.renew("none", "a", now, _LEASE)

    async def test_a_lease_from_a_clock_set_back_is_void(self, store: StoreHarness) -> None:
        """A lease that ends later than it could have begun does not stop delivery; small differences do not matter."""
        now = await _registered(store, "one")
        assert await store.consumers.lease("one", "a", now + timedelta(hours=1), _LEASE) == 0
        assert not (await store.consumers.read_states(now, _LEASE))[0].leased
        assert await store.consumers.lease("one", "b", now, _LEASE) == 0
        assert await store.consumers.lease("one", "a", now - timedelta(seconds=1), _LEASE) is None

    async def test_only_the_holder_saves_progress(self, store: StoreHarness) -> None:
        """A step of another is refused as a whole."""
        await _record(store, 1)
        now = await _registered(store, "one")
        (event,) = await _ahead(store, "one")
        step = Progress(event.position, set_aside=[_aside(event)])
        assert not await store.consumers.save("one", "b", step)
        assert not await store.consumers.save("none", "a", step)
        assert len(await _ahead(store, "one")) == 1
        assert list(await store.consumers.read_due("one", now, 10)) == []
        assert await store.consumers.save("one", "a", step)
        assert await _ahead(store, "one") == []
        assert [one.event for one in await store.consumers.read_due("one", now, 10)] == [event]

    async def test_a_failed_event_holds_its_own_key_back_alone(self, store: StoreHarness) -> None:
        """A failed event blocks only its own key until its retry is due; a parked one blocks nothing."""
        failing, healthy = (await _record(store, 1, 2)).id, (await _record(store, 1)).id
        now = await _registered(store, "one")
        first, second, other = await _ahead(store, "one")
        waits = _aside(first, attempts=1, retry_at=now + timedelta(minutes=1), error="boom")
        step = Progress(other.position, set_aside=[waits, _aside(second), _aside(other)])
        assert await store.consumers.save("one", "a", step)
        assert [one.event.document_id for one in await store.consumers.read_due("one", now, 10)] == [healthy]
        due = await store.consumers.read_due("one", now + timedelta(minutes=2), 10)
        assert [(one.event.document_id, one.attempts) for one in due] == [(failing, 1), (failing, 0), (healthy, 0)]
        parked = _aside(first, attempts=10, error="bo\0om", parked=True)
        assert await store.consumers.save("one", "a", Progress(other.position, [parked], [other.position]))
        assert [one.event for one in await store.consumers.read_due("one", now, 10)] == [second]
        assert list(await store.consumers.read_waiting("one")) == [(second.position, second.key)]

    async def test_a_consumer_does_not_hold_up_another(self, store: StoreHarness) -> None:
        """What one sets aside or parks concerns no other."""
        await _record(store, 1)
        now = await _registered(store, "one", "other")
        (event,) = await _ahead(store, "one")
        assert await store.consumers.save("one", "a", Progress(event.position, [_aside(event, parked=True)]))
        assert await _ahead(store, "other") == [event]
        assert list(await store.consumers.read_waiting("other")) == []
        states = {one.name: (one.waiting, one.parked) for one in await store.consumers.read_states(now, _LEASE)}
        assert states == {"one": (0, 1), "other": (0, 0)}

    async def test_parked_events_are_shown_and_come_again_on_request(self, store: StoreHarness) -> None:
        """One of them or all; they begin anew."""
        await _record(store, 1, 2)
        now = await _registered(store, "one", "other")
        first, second = await _ahead(store, "one")
        aside = [_aside(event, attempts=10, error="boom", parked=True) for event in (first, second)]
        assert await store.consumers.save("one", "a", Progress(second.position, aside))
        for name in ("one", None):
            shown = await store.consumers.read_parked(name, 10)
            assert [(one.consumer, one.event, one.attempts, one.error) for one in shown] == [
                ("one", first, 10, "boom"),
                ("one", second, 10, "boom"),
            ]
        assert [one.event for one in await store.consumers.read_parked(None, 1)] == [first]
        assert list(await store.consumers.read_parked("other", 10)) == []
        assert await store.consumers.retry("one", second.position) == 1
        assert [(one.event, one.attempts) for one in await store.consumers.read_due("one", now, 10)] == [(second, 0)]
        assert await store.consumers.retry("one") == 1
        assert [one.event for one in await store.consumers.read_due("one", now, 10)] == [first, second]
        assert await store.consumers.retry("other") == 0

    async def test_an_event_that_waits_for_its_next_attempt_is_due_on_request(self, store: StoreHarness) -> None:
        """One of them or all; what waits behind one follows it, and what has not failed is not counted."""
        await _record(store, 1, 2)
        await _record(store, 1)
        now = await _registered(store, "one")
        first, second, other = await _ahead(store, "one")
        later = now + timedelta(minutes=5)
        failed = [_aside(event, attempts=3, retry_at=later, error="boom") for event in (first, other)]
        await store.consumers.save("one", "a", Progress(other.position, [*failed, _aside(second)]))
        assert list(await store.consumers.read_due("one", now, 10)) == []
        assert await store.consumers.retry("one", second.position) == 0
        assert await store.consumers.retry("one", first.position) == 1
        due = await store.consumers.read_due("one", now, 10)
        assert [(one.event, one.attempts) for one in due] == [(first, 0), (second, 0)]
        assert await store.consumers.retry("one") == 1
        assert [one.event for one in await store.consumers.read_due("one", now, 10)] == [first, second, other]

    async def test_a_state_tells_since_when_events_wait(self, store: StoreHarness) -> None:
        """The oldest of those ahead and those set aside; parked ones do not wait."""
        now = await _registered(store, "one")
        assert (await store.consumers.read_states(now, _LEASE))[0].waits_since is None
        await _record(store, 1, 2)
        first, second = await _ahead(store, "one")
        assert (await store.consumers.read_states(now, _LEASE))[0].waits_since == first.occurred_at
        await store.consumers.save("one", "a", Progress(second.position, [_aside(second)]))
        (state,) = await store.consumers.read_states(now, _LEASE)
        assert (state.waits_since, state.waiting, state.cursor) == (second.occurred_at, 1, second.position)
        await store.consumers.save("one", "a", Progress(second.position, [_aside(second, parked=True)]))
        assert (await store.consumers.read_states(now, _LEASE))[0].waits_since is None

    async def test_a_removed_consumer_is_gone_with_its_progress(self, store: StoreHarness) -> None:
        """Registered again, it begins like a new one."""
        await _record(store, 1)
        now = await _registered(store, "one", "other")
        (event,) = await _ahead(store, "one")
        await store.consumers.save("one", "a", Progress(0, [_aside(event)]))
        assert await store.consumers.remove("one")
        assert not await store.consumers.remove("one")
        await _registered(store, "one")
        assert await _ahead(store, "one") == []
        assert list(await store.consumers.read_due("one", now, 10)) == []
