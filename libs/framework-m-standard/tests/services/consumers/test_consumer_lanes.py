"""Slow and failing documents hold up themselves alone; what is parked comes again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.domain.events import DomainEvent
from framework_m_core.services.events import turn as turn_module
from framework_m_core.services.events.progress import MAX_ATTEMPTS
from framework_m_testing.deliveries import drain
from framework_m_testing.harness import StoreHarness

from .conftest import NAME, TurnedClock, failing_once, make_runner


async def _two_things(store: StoreHarness) -> tuple[Any, Any]:
    slow, quick = await store.store("Thing"), await store.store("Thing")
    for document, versions in ((slow, (1, 2)), (quick, range(1, 31))):
        for version in versions:
            async with store.units(store.context) as unit:
                unit.record(store.make_event(document, version))
                await unit.commit()
    return slow, quick


async def test_a_slow_handler_holds_up_its_own_document_alone(
    store: StoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And after a crash, what others had is not delivered again, however long the slow one has taken."""
    monkeypatch.setattr(turn_module, "_ASIDE_AFTER", timedelta(0))
    monkeypatch.setattr(turn_module, "POLL_SECONDS", 0.02)
    slow, quick = await _two_things(store)
    seen, released = [], asyncio.Event()

    async def handler(event: DomainEvent, _: object) -> None:
        if event.document_id == slow.id:
            await released.wait()
        seen.append((event.document_id, event.version))

    clock = TurnedClock()
    running = asyncio.create_task((await make_runner(store, clock, handler)).run())
    async with asyncio.timeout(10):
        # The store tells nobody, so it is asked.
        while len(seen) < 30 or len(await store.consumers.read_waiting(NAME)) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert seen == [(quick.id, version) for version in range(1, 31)]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    released.set()
    clock.now += timedelta(minutes=1)
    await drain(await make_runner(store, clock, handler))
    assert seen[30:] == [(slow.id, 1), (slow.id, 2)]


async def test_no_more_than_the_bound_are_delivered_at_a_time(store: StoreHarness) -> None:
    for _ in range(8):
        document = await store.store("Thing")
        async with store.units(store.context) as unit:
            unit.record(store.make_event(document, 1))
            await unit.commit()
    at_a_time, maximum = 0, 0

    async def handler(event: DomainEvent, _: object) -> None:
        nonlocal at_a_time, maximum
        at_a_time += 1
        maximum = max(maximum, at_a_time)
        await asyncio.sleep(0.01)
        at_a_time -= 1

    assert await drain(await make_runner(store, TurnedClock(), handler, width=3))
    assert maximum == 3


async def test_an_outage_costs_no_attempt_and_loses_nothing(store: StoreHarness, thing: Any) -> None:
    """However long: more often than an event may fail, and then everything is delivered in order."""
    clock, seen, is_away = TurnedClock(), [], True

    async def handler(event: DomainEvent, _: object) -> None:
        if is_away:
            raise ConsumerUnavailableError("the index is away")
        seen.append(event.version)

    runner = await make_runner(store, clock, handler)
    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(ConsumerUnavailableError, match="the index is away"):
            await drain(runner)
    assert [due.attempts for due in await store.consumers.read_due(NAME, clock(), 10)] == [0, 0, 0]
    is_away = False
    await drain(runner)
    assert seen == [1, 2, 3]


async def test_a_parked_event_comes_again_when_it_is_retried(store: StoreHarness, thing: Any) -> None:
    clock, seen, fails = TurnedClock(), [], True

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == 1 and fails:
            raise ZeroDivisionError("boom")
        seen.append(event.version)

    runner = await make_runner(store, clock, handler)
    for _ in range(MAX_ATTEMPTS):
        await drain(runner)
        clock.now += timedelta(hours=1)
    await drain(runner)
    (parked,) = await store.consumers.read_parked(NAME, 10)
    assert (parked.event.version, parked.attempts, parked.error) == (1, MAX_ATTEMPTS, "ZeroDivisionError: boom")
    fails = False
    assert await store.consumers.retry(NAME) == 1
    await drain(runner)
    assert (seen, list(await store.consumers.read_parked(NAME, 10))) == ([2, 3, 1], [])


async def test_an_event_that_waits_for_its_next_attempt_comes_at_once_when_it_is_retried(
    store: StoreHarness, thing: Any
) -> None:
    seen: list[int] = []
    runner = await make_runner(store, TurnedClock(), failing_once(1, seen))
    await drain(runner)
    assert not await drain(runner)
    assert await store.consumers.retry(NAME) == 1
    await drain(runner)
    assert seen == [1, 2, 3]
