"""The runner of a consumer on each store: in order per key, at least once, held back by failures, one at a time."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.events import DocSubmitted, DomainEvent, Interest
from framework_m_core.domain.log_context import LOG_CONTEXT, log_fields
from framework_m_core.interfaces.consumers import Progress
from framework_m_core.interfaces.outbox import EventBatch
from framework_m_core.registry import registry as registry_module
from framework_m_core.registry.events.consumers import CompiledConsumer
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.events import runner as runner_module
from framework_m_core.services.events.dispatch import EventDispatch
from framework_m_core.services.events.progress import MAX_ATTEMPTS
from framework_m_core.services.events.runner import ConsumerRunner, Subscription
from framework_m_testing.harness import OpenStore, StoreHarness, sample_registry

type Handler = Callable[[DomainEvent, object], Awaitable[None]]


class _Door:
    """What the dispatch asks of the document service."""

    def client_for(self, scope: object) -> object:
        return scope


class _Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[StoreHarness]:
    """The sample DocTypes on each store."""
    async with open_store(sample_registry()) as harness:
        await harness.schema_mapper.sync()
        yield harness


@pytest.fixture
async def thing(store: StoreHarness) -> Any:
    """A thing with three events."""
    made = await store.store("Thing")
    for version in (1, 2, 3):
        async with store.units(store.context) as unit:
            unit.record(store.event(made, version))
            await unit.commit()
    return made


NAME = "samples.handlers"


def _registry(store: StoreHarness, handler: Handler, *types: str) -> Registry:
    topics = {f"{type_}:Thing": (handler,) for type_ in types}
    consumer = CompiledConsumer(NAME, Interest(topics), topics)
    return Registry(store.registry.doctypes, MappingProxyType({NAME: consumer}))


async def _runner(
    store: StoreHarness, clock: _Clock, handler: Handler, seconds: float = 10.0, width: int = 4
) -> ConsumerRunner:
    return await _runner_over(_registry(store, handler, "doc.updated"), store, clock, seconds, width)


async def _runner_over(
    registry: Registry, store: StoreHarness, clock: _Clock, seconds: float = 10.0, width: int = 4
) -> ConsumerRunner:
    dispatch = EventDispatch(RegistryHandle(registry), _Door(), clock, seconds)  # type: ignore[arg-type]
    await store.consumers.register({NAME: registry.consumers[NAME].interest}, clock())
    subscription = Subscription(NAME, partial(dispatch.is_wanted, NAME), partial(dispatch.deliver, NAME), width)
    return ConsumerRunner(subscription, store.outbox, store.consumers, clock)


async def test_events_are_delivered_once_each_in_order(store: StoreHarness, thing: Any) -> None:
    seen = []

    async def handler(event: DomainEvent, documents: Any) -> None:
        seen.append((event.document_id, event.version))
        assert documents.principal.system
        assert documents.causation_id == event.id

    runner = await _runner(store, _Clock(), handler)
    assert await runner.work() == 3
    assert await runner.work() == 0
    assert seen == [(thing.id, version) for version in (1, 2, 3)]


def _failing_once(version: int, seen: list[int]) -> Callable[[DomainEvent, object], Awaitable[None]]:
    """Return a handler that notes versions, and fails the first time that it gets this one."""
    fails = [True]

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == version and fails:
            fails.pop()
            raise ZeroDivisionError
        seen.append(event.version)

    return handler


async def test_a_failure_holds_the_document_back_and_is_tried_again(store: StoreHarness, thing: Any) -> None:
    clock, seen = _Clock(), list[int]()
    runner = await _runner(store, clock, _failing_once(2, seen))
    await runner.work()
    assert seen == [1]
    await runner.work()
    assert seen == [1]
    clock.now += timedelta(minutes=1)
    await runner.work()
    assert seen == [1, 2, 3]


async def test_what_is_written_after_a_failure_waits_too(store: StoreHarness, thing: Any) -> None:
    clock, seen = _Clock(), list[int]()
    handler = _failing_once(3, seen)
    runner = await _runner(store, clock, handler)
    await runner.work()
    for version in (4, 5):
        async with store.units(store.context) as unit:
            unit.record(store.event(thing, version))
            await unit.commit()
        await runner.work()
    assert seen == [1, 2]
    clock.now += timedelta(minutes=1)
    await (await _runner(store, clock, handler)).work()
    assert seen == [1, 2, 3, 4, 5]


async def test_an_event_that_always_fails_is_given_up_and_the_next_go_on(store: StoreHarness, thing: Any) -> None:
    clock, seen = _Clock(), []

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == 1:
            raise ZeroDivisionError
        seen.append(event.version)

    runner = await _runner(store, clock, handler)
    for _ in range(MAX_ATTEMPTS + 1):
        await runner.work()
        clock.now += timedelta(hours=1)
    assert seen == [2, 3]


async def _cancelled() -> None:
    work = asyncio.ensure_future(asyncio.sleep(10))
    work.cancel()
    await work


async def _hanging() -> None:
    await asyncio.Event().wait()


async def _timed_out_itself() -> None:
    async with asyncio.timeout(0):
        await asyncio.sleep(1)


@pytest.mark.parametrize(
    ("work", "told"),
    [
        (_cancelled, "RuntimeError: the event handler awaited a cancelled task"),
        (_hanging, "TimeoutError: the event handler took longer than [framework] handler_timeout_seconds = 0.05"),
        (_timed_out_itself, "TimeoutError: "),
    ],
)
async def test_a_handler_that_hangs_or_is_cut_off_has_failed_and_ends_nothing_else(
    store: StoreHarness, thing: Any, work: Callable[[], Awaitable[None]], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await store.store("Thing")
    seen: list[Any] = []
    failures: list[Any] = []
    begun: list[Any] = []
    async with store.units(store.context) as unit:
        unit.record(store.event(other, 1))
        await unit.commit()
    save = store.consumers.save

    async def noted(name: str, holder: str, progress: Progress) -> bool:
        failures.extend(one.error for one in progress.set_aside if one.error is not None)
        return await save(name, holder, progress)

    monkeypatch.setattr(store.consumers, "save", noted)

    async def handler(event: DomainEvent, _: object) -> None:
        if event.document_id == thing.id and not begun:
            begun.append(event.version)
            await work()
        seen.append((event.document_id, event.version))

    clock = _Clock()
    runner = await _runner(store, clock, handler, seconds=0.05)
    await runner.work()
    assert (seen, failures) == ([(other.id, 1)], [told])
    clock.now += timedelta(minutes=1)
    await runner.work()
    assert seen[1:] == [(thing.id, version) for version in (1, 2, 3)]


async def test_a_runner_that_is_stopped_ends_after_the_event_in_hand(store: StoreHarness, thing: Any) -> None:
    begun, seen = asyncio.Event(), []

    async def handler(event: DomainEvent, _: object) -> None:
        begun.set()
        await asyncio.sleep(0.1)
        seen.append(event.version)

    clock = _Clock()
    runner = await _runner(store, clock, handler)
    running = asyncio.create_task(runner.run())
    await begun.wait()
    runner.stop()
    await asyncio.wait_for(running, 5)
    assert seen == [1]
    next_runner = await _runner(store, clock, handler)
    await next_runner.work()
    assert seen == [1, 2, 3]


def _watch_renewals(store: StoreHarness, monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[bool]:
    """Have leases renewed without a pause, and return the queue of what became of each renewal."""
    renewals: asyncio.Queue[bool] = asyncio.Queue()
    renew = store.consumers.renew

    async def watched(*arguments: Any) -> bool:
        renewed = await renew(*arguments)
        renewals.put_nowait(renewed)
        return renewed

    monkeypatch.setattr(runner_module, "_RENEW_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(store.consumers, "renew", watched)
    return renewals


async def _renewed(renewals: asyncio.Queue[bool]) -> bool:
    """Wait until a renewal that begins from now on has succeeded; return False if one fails, since none follows it."""
    for _ in range(renewals.qsize() + 2):  # one may have begun before
        if not await renewals.get():
            return False
    return True


async def test_a_slow_handler_keeps_the_lease(store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, renewals, other_got = _Clock(), _watch_renewals(store, monkeypatch), []
    waits = [runner_module.LEASE * 2 / 3] * 5

    async def slow(event: DomainEvent, _: object) -> None:
        while waits:
            clock.now += waits.pop()
            assert await _renewed(renewals)
            assert await second.work() == 0

    async def never(event: DomainEvent, _: object) -> None:
        other_got.append(event.version)

    first, second = await _runner(store, clock, slow), await _runner(store, clock, never)
    assert await first.work() == 3
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

    runner = await _runner(store, _Clock(), handler)
    working = asyncio.create_task(runner.work())
    await reached.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await runner.work()
    assert seen == [1, 2, 3]


async def test_a_runner_that_has_lost_its_lease_stops(
    store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, renewals, seen = _Clock(), _watch_renewals(store, monkeypatch), []

    async def slow(event: DomainEvent, _: object) -> None:
        seen.append(event.version)
        clock.now = later = clock() + timedelta(minutes=1)
        over = later + runner_module.LEASE
        assert await store.consumers.lease(NAME, "another", over, runner_module.LEASE) is not None
        await _renewed(renewals)

    await (await _runner(store, clock, slow)).work()
    assert seen == [1]


async def test_a_lease_that_another_has_had_since_is_not_taken_back(
    store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was suspended past its lease neither delivers again nor moves the cursor back."""
    clock, renewals, seen, awake = _Clock(), _watch_renewals(store, monkeypatch), [], asyncio.Lock()
    renew = store.consumers.renew

    async def renew_awake(*arguments: Any) -> bool:
        async with awake:
            return await renew(*arguments)

    monkeypatch.setattr(store.consumers, "renew", renew_awake)

    async def suspended(event: DomainEvent, _: object) -> None:
        seen.append(event.version)
        async with awake:
            over = clock() + runner_module.LEASE
            assert await store.consumers.lease(NAME, "another", over, runner_module.LEASE) is not None
            batch = await store.outbox.read(0, 100, lambda _: True)
            assert await store.consumers.save(NAME, "another", Progress(batch.upto))
            await store.consumers.release(NAME, "another")
        await _renewed(renewals)

    await (await _runner(store, clock, suspended)).work()
    assert seen == [1]
    (state,) = await store.consumers.states(clock(), runner_module.LEASE)
    assert state.cursor == (await store.outbox.read(0, 100, lambda _: True)).upto


async def test_a_failure_of_the_runner_itself_does_not_end_it(
    store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "POLL_SECONDS", 0.01)
    delivered = asyncio.Event()
    failures = [KeyError("a bug"), ZeroDivisionError("another")]

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == 3:
            delivered.set()

    runner = await _runner(store, _Clock(), handler)
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
    monkeypatch.setattr(runner_module, "_RENEW_EVERY_SECONDS", 0.01)
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
        monkeypatch.setattr(runner_module, "_RENEW_TIMEOUT_SECONDS", 0.01)
        monkeypatch.setattr(type(store.consumers), "renew", renewal)
        await failed.wait()

    await (await _runner(store, _Clock(), slow)).work()
    assert seen == [1]


async def test_an_event_of_a_later_version_waits_and_holds_its_document_back(
    store: StoreHarness, thing: Any, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a step back to an older release: what it knows does not overtake what it does not know."""
    clock, seen = _Clock(), []
    other = await store.store("Thing")

    async def handler(event: DomainEvent, _: object) -> None:
        seen.append((event.document_id, event.type))

    registry = _registry(store, handler, "doc.updated", "doc.submitted")
    async with open_store(registry) as later:
        for document in (thing, other):
            async with later.units(later.context) as unit:
                unit.record(DocSubmitted(**_fields(later.event(document, 4))))
                await unit.commit()
        monkeypatch.setattr(registry_module, "DOC_EVENTS", {"doc.submitted": DocSubmitted})
        runner = await _runner_over(registry, later, clock)
        await runner.work()
        assert seen == [(other.id, "doc.submitted")]
        monkeypatch.undo()
        await runner.work()
        assert len(seen) == 1
        clock.now += timedelta(hours=1)
        await runner.work()
    assert seen[1:] == [*[(thing.id, "doc.updated")] * 3, (thing.id, "doc.submitted")]


def _fields(event: DomainEvent) -> dict[str, Any]:
    return {one.name: getattr(event, one.name) for one in dataclasses.fields(event)}


async def test_records_of_runner_and_handlers_tell_of_the_event(store: StoreHarness, thing: Any) -> None:
    seen: list[tuple[str, dict[str, str]]] = []

    class Recorded(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append((record.getMessage(), log_fields()))

    async def handler(event: DomainEvent, documents: Any) -> None:
        if event.version == 1:
            raise ZeroDivisionError
        await asyncio.create_task(_say(event))

    async def _say(event: DomainEvent) -> None:
        logging.getLogger("acme").warning("handled %d", event.version)

    recorded, clock = Recorded(), _Clock()
    logging.getLogger().addHandler(recorded)
    try:
        runner = await _runner(store, clock, handler)
        await runner.work()
        clock.now += timedelta(minutes=1)
        failed = list(seen)
        for _ in range(MAX_ATTEMPTS):
            await runner.work()
            clock.now += timedelta(hours=1)
    finally:
        logging.getLogger().removeHandler(recorded)
    (in_handler,) = [fields for said, fields in failed if "event handler of doc.updated:Thing failed" in said]
    (in_relay,) = [fields for said, fields in failed if "failed 1 times" in said]
    assert (in_handler["source"], in_relay["source"]) == ("event", "relay")
    assert in_handler["user_id"] == in_relay["user_id"] and "causation_id" in in_handler
    handled = [fields for said, fields in seen if said.startswith("handled")]
    assert len({fields["causation_id"] for fields in handled}) == len(handled) == 2
    assert LOG_CONTEXT.get() is None


async def _two_things(store: StoreHarness) -> tuple[Any, Any]:
    slow, quick = await store.store("Thing"), await store.store("Thing")
    for document, versions in ((slow, (1, 2)), (quick, range(1, 31))):
        for version in versions:
            async with store.units(store.context) as unit:
                unit.record(store.event(document, version))
                await unit.commit()
    return slow, quick


async def test_a_slow_handler_holds_up_its_own_document_alone(
    store: StoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And after a crash, what others had is not delivered again, however long the slow one has taken."""
    monkeypatch.setattr(runner_module, "_ASIDE_AFTER", timedelta(0))
    monkeypatch.setattr(runner_module, "POLL_SECONDS", 0.02)
    slow, quick = await _two_things(store)
    seen, released = [], asyncio.Event()

    async def handler(event: DomainEvent, _: object) -> None:
        if event.document_id == slow.id:
            await released.wait()
        seen.append((event.document_id, event.version))

    clock = _Clock()
    running = asyncio.create_task((await _runner(store, clock, handler)).run())
    async with asyncio.timeout(10):
        # The store tells nobody, so it is asked.
        while len(seen) < 30 or len(await store.consumers.waiting(NAME)) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert seen == [(quick.id, version) for version in range(1, 31)]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    released.set()
    clock.now += timedelta(minutes=1)
    await (await _runner(store, clock, handler)).work()
    assert seen[30:] == [(slow.id, 1), (slow.id, 2)]


async def test_no_more_than_the_bound_are_delivered_at_a_time(store: StoreHarness) -> None:
    for _ in range(8):
        document = await store.store("Thing")
        async with store.units(store.context) as unit:
            unit.record(store.event(document, 1))
            await unit.commit()
    at_a_time, most = 0, 0

    async def handler(event: DomainEvent, _: object) -> None:
        nonlocal at_a_time, most
        at_a_time += 1
        most = max(most, at_a_time)
        await asyncio.sleep(0.01)
        at_a_time -= 1

    assert await (await _runner(store, _Clock(), handler, width=3)).work() == 8
    assert most == 3


async def test_an_outage_costs_no_attempt_and_loses_nothing(store: StoreHarness, thing: Any) -> None:
    """However long: more often than an event may fail, and then everything is delivered in order."""
    clock, seen, is_away = _Clock(), [], True

    async def handler(event: DomainEvent, _: object) -> None:
        if is_away:
            raise ConsumerUnavailableError("the index is away")
        seen.append(event.version)

    runner = await _runner(store, clock, handler)
    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(ConsumerUnavailableError, match="the index is away"):
            await runner.work()
    assert [due.attempts for due in await store.consumers.due(NAME, clock(), 10)] == [0, 0, 0]
    is_away = False
    await runner.work()
    assert seen == [1, 2, 3]


async def test_a_parked_event_comes_again_when_it_is_retried(store: StoreHarness, thing: Any) -> None:
    clock, seen, fails = _Clock(), [], True

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == 1 and fails:
            raise ZeroDivisionError("boom")
        seen.append(event.version)

    runner = await _runner(store, clock, handler)
    for _ in range(MAX_ATTEMPTS):
        await runner.work()
        clock.now += timedelta(hours=1)
    await runner.work()
    (parked,) = await store.consumers.parked(NAME, 10)
    assert (parked.event.version, parked.attempts, parked.error) == (1, MAX_ATTEMPTS, "ZeroDivisionError: boom")
    fails = False
    assert await store.consumers.retry(NAME) == 1
    await runner.work()
    assert (seen, list(await store.consumers.parked(NAME, 10))) == ([2, 3, 1], [])
