"""A runner delivers while it holds its lease, and as long as that is renewed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from framework_m_core.domain.events import DomainEvent
from framework_m_core.interfaces.consumers import Progress
from framework_m_core.interfaces.outbox import EventBatch
from framework_m_core.services.events import turn as turn_module
from framework_m_testing.deliveries import drain
from framework_m_testing.harness import StoreHarness

from .conftest import NAME, TurnedClock, make_runner


def _watch_renewals(store: StoreHarness, monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[bool]:
    """Have leases renewed without a pause, and return the queue of what became of each renewal."""
    renewals: asyncio.Queue[bool] = asyncio.Queue()
    renew = store.consumers.renew

    async def watched(*arguments: Any) -> bool:
        renewed = await renew(*arguments)
        renewals.put_nowait(renewed)
        return renewed

    monkeypatch.setattr(turn_module, "_RENEW_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(store.consumers, "renew", watched)
    return renewals


async def _renewed(renewals: asyncio.Queue[bool]) -> bool:
    """Wait until a renewal that begins from now on has succeeded; return False if one fails, since none follows it."""
    for _ in range(renewals.qsize() + 2):  # one may have begun before
        if not await renewals.get():
            return False
    return True


async def test_a_slow_handler_keeps_the_lease(store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, renewals, other_got = TurnedClock(), _watch_renewals(store, monkeypatch), []
    waits = [turn_module.LEASE * 2 / 3] * 5

    async def slow(event: DomainEvent, _: object) -> None:
        while waits:
            clock.now += waits.pop()
            assert await _renewed(renewals)
            assert not await drain(second)

    async def never(event: DomainEvent, _: object) -> None:
        other_got.append(event.version)

    first, second = await make_runner(store, clock, slow), await make_runner(store, clock, never)
    assert await drain(first)
    assert (other_got, waits) == ([], [])


async def test_what_was_delivered_before_the_runner_is_ended_is_not_delivered_again(
    store: StoreHarness, thing: Any
) -> None:
    reached, seen = asyncio.Event(), []

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == 2 and not reached.is_set():
            reached.set()
            await asyncio.sleep(60)
        seen.append(event.version)

    runner = await make_runner(store, TurnedClock(), handler)
    working = asyncio.create_task(drain(runner))
    await reached.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await drain(runner)
    assert seen == [1, 2, 3]


async def test_a_runner_that_has_lost_its_lease_stops(
    store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, renewals, seen = TurnedClock(), _watch_renewals(store, monkeypatch), []

    async def slow(event: DomainEvent, _: object) -> None:
        seen.append(event.version)
        clock.now = later = clock() + timedelta(minutes=1)
        over = later + turn_module.LEASE
        assert await store.consumers.lease(NAME, "another", over, turn_module.LEASE) is not None
        await _renewed(renewals)

    await drain(await make_runner(store, clock, slow))
    assert seen == [1]


async def test_a_lease_that_another_has_had_since_is_not_taken_back(
    store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was suspended past its lease neither delivers again nor moves the cursor back."""
    clock, renewals, seen, awake = TurnedClock(), _watch_renewals(store, monkeypatch), [], asyncio.Lock()
    renew = store.consumers.renew

    async def renew_awake(*arguments: Any) -> bool:
        async with awake:
            return await renew(*arguments)

    monkeypatch.setattr(store.consumers, "renew", renew_awake)

    async def suspended(event: DomainEvent, _: object) -> None:
        seen.append(event.version)
        async with awake:
            over = clock() + turn_module.LEASE
            assert await store.consumers.lease(NAME, "another", over, turn_module.LEASE) is not None
            batch = await store.outbox.read(0, 100, lambda _: True)
            assert await store.consumers.save(NAME, "another", Progress(batch.upto))
            await store.consumers.release(NAME, "another")
        await _renewed(renewals)

    await drain(await make_runner(store, clock, suspended))
    assert seen == [1]
    (state,) = await store.consumers.read_states(clock(), turn_module.LEASE)
    assert state.cursor == (await store.outbox.read(0, 100, lambda _: True)).upto


async def test_a_failure_of_the_runner_itself_does_not_end_it(
    store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_module, "POLL_SECONDS", 0.01)
    delivered = asyncio.Event()
    failures = [KeyError("a bug"), ZeroDivisionError("another")]

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == 3:
            delivered.set()

    runner = await make_runner(store, TurnedClock(), handler)
    reads = store.outbox.read

    async def fails_first(*arguments: Any) -> EventBatch:
        if failures:
            raise failures.pop()
        return await reads(*arguments)

    monkeypatch.setattr(store.outbox, "read", fails_first)
    running = asyncio.create_task(runner.run())
    await asyncio.wait_for(delivered.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("failure", [ZeroDivisionError(), None])
async def test_a_lease_that_cannot_be_renewed_counts_as_lost(
    store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch, failure: Exception | None
) -> None:
    """Whatever fails, and where the store does not answer at all."""
    monkeypatch.setattr(turn_module, "_RENEW_EVERY_SECONDS", 0.01)
    seen: list[int] = []
    failed = asyncio.Event()

    async def renewal(*_: object) -> bool:
        try:
            if failure is not None:
                raise failure
            return await asyncio.Event().wait()
        finally:
            failed.set()

    async def slow(event: DomainEvent, _: object) -> None:
        seen.append(event.version)
        monkeypatch.setattr(turn_module, "_RENEW_TIMEOUT_SECONDS", 0.01)
        monkeypatch.setattr(type(store.consumers), "renew", renewal)
        await failed.wait()

    await drain(await make_runner(store, TurnedClock(), slow))
    assert seen == [1]
