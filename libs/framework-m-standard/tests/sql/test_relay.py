"""The relay on real stores: in order per document, at least once, held back by failures, one relay at a time."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.events import EVENT_TYPES, DocSubmitted, DomainEvent
from framework_m_core.domain.log_context import LOG_CONTEXT, log_fields
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.events import relay as relay_module
from framework_m_core.services.events.dispatch import HANDLERS, EventDispatch
from framework_m_core.services.events.relay import OutboxRelay
from framework_m_standard.memory.event_bus import MemoryEventBus
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


async def _relay(store: StoreHarness, clock: _Clock, handler: Handler, seconds: float = 10.0) -> OutboxRelay:
    handlers = MappingProxyType({("Thing", "updated"): (handler,)})
    return await _relay_over(Registry(store.registry.doctypes, handlers), store, clock, seconds)


async def _relay_over(registry: Registry, store: StoreHarness, clock: _Clock, seconds: float = 10.0) -> OutboxRelay:
    bus = MemoryEventBus()
    dispatch = EventDispatch(RegistryHandle(registry), _Door(), clock, seconds)  # type: ignore[arg-type]
    await bus.subscribe(HANDLERS, dispatch.handle)
    return OutboxRelay(store.outbox, bus, store.idempotency, clock)


async def test_events_are_delivered_once_each_in_order(store: StoreHarness, thing: Any) -> None:
    seen = []

    async def handler(event: DomainEvent, documents: Any) -> None:
        seen.append((event.document_id, event.version))
        assert documents.principal.system
        assert documents.causation_id == event.id

    relay = await _relay(store, _Clock(), handler)
    assert await relay.work() == 3
    assert await relay.work() == 0
    assert seen == [(thing.id, version) for version in (1, 2, 3)]


async def test_a_failure_holds_the_document_back_and_is_tried_again(store: StoreHarness, thing: Any) -> None:
    clock, seen, fails = _Clock(), [], [True]

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == 2 and fails:
            fails.pop()
            raise ZeroDivisionError
        seen.append(event.version)

    relay = await _relay(store, clock, handler)
    await relay.work()
    assert seen == [1]
    await relay.work()
    assert seen == [1]
    clock.now += timedelta(minutes=1)
    await relay.work()
    assert seen == [1, 2, 3]


async def test_an_event_that_always_fails_is_given_up_and_the_next_go_on(store: StoreHarness, thing: Any) -> None:
    clock, seen = _Clock(), []

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == 1:
            raise ZeroDivisionError
        seen.append(event.version)

    relay = await _relay(store, clock, handler)
    for _ in range(relay_module.MAX_ATTEMPTS + 1):
        await relay.work()
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
        (_cancelled, "RuntimeError: the handler waited for something that was cancelled"),
        (_hanging, "TimeoutError: the handler took longer than [framework] handler_timeout_seconds = 0.05"),
        (_timed_out_itself, "TimeoutError: "),
    ],
)
async def test_a_handler_that_hangs_or_is_cut_off_has_failed_and_ends_nothing_else(
    store: StoreHarness, thing: Any, work: Callable[[], Awaitable[None]], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, seen, failures = await store.store("Thing"), [], []
    async with store.units(store.context) as unit:
        unit.record(store.event(other, 1))
        await unit.commit()
    mark_failed = store.outbox.mark_failed

    async def noted(position: int, error: str, retry_at: datetime | None) -> None:
        failures.append(error)
        await mark_failed(position, error, retry_at)

    monkeypatch.setattr(store.outbox, "mark_failed", noted)

    async def handler(event: DomainEvent, _: object) -> None:
        if event.document_id == thing.id and not failures:
            await work()
        seen.append((event.document_id, event.version))

    clock = _Clock()
    relay = await _relay(store, clock, handler, seconds=0.05)
    await relay.work()
    assert (seen, failures) == ([(other.id, 1)], [told])
    clock.now += timedelta(minutes=1)
    await relay.work()
    assert seen[1:] == [(thing.id, version) for version in (1, 2, 3)]


async def test_a_relay_that_is_stopped_ends_after_the_event_in_hand(store: StoreHarness, thing: Any) -> None:
    begun, seen = asyncio.Event(), []

    async def handler(event: DomainEvent, _: object) -> None:
        begun.set()
        await asyncio.sleep(0.1)
        seen.append(event.version)

    clock = _Clock()
    relay = await _relay(store, clock, handler)
    running = asyncio.create_task(relay.run())
    await begun.wait()
    relay.stop()
    await asyncio.wait_for(running, 5)
    assert seen == [1]
    next_relay = await _relay(store, clock, handler)
    await next_relay.work()
    assert seen == [1, 2, 3]


async def test_a_slow_handler_keeps_the_lease(store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "LEASE", timedelta(seconds=0.3))
    other_got = []

    async def slow(event: DomainEvent, _: object) -> None:
        if event.version == 1:
            await asyncio.sleep(0.8)

    async def never(event: DomainEvent, _: object) -> None:
        other_got.append(event.version)

    class Real(_Clock):
        def __call__(self) -> datetime:
            return system_clock()

    first, second = await _relay(store, Real(), slow), await _relay(store, Real(), never)
    working = asyncio.create_task(first.work())
    await asyncio.sleep(0.1)
    for _ in range(6):
        assert await second.work() == 0
        await asyncio.sleep(0.1)
    assert await working == 3
    assert other_got == []


async def test_what_was_delivered_before_the_relay_is_ended_is_not_delivered_again(
    store: StoreHarness, thing: Any
) -> None:
    reached, seen = asyncio.Event(), []

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == 2 and not reached.is_set():
            reached.set()
            await asyncio.sleep(60)
        seen.append(event.version)

    relay = await _relay(store, _Clock(), handler)
    working = asyncio.create_task(relay.work())
    await reached.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await relay.work()
    assert seen == [1, 2, 3]


async def test_a_relay_that_has_lost_its_lease_stops(
    store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "LEASE", timedelta(seconds=0.15))
    clock, seen = _Clock(), []

    async def slow(event: DomainEvent, _: object) -> None:
        seen.append(event.version)
        later = clock() + timedelta(minutes=1)
        assert await store.outbox.lease("another", later, timedelta(minutes=10))
        clock.now = later
        await asyncio.sleep(0.3)

    await (await _relay(store, clock, slow)).work()
    assert seen == [1]


async def test_a_failure_of_the_relay_itself_does_not_end_it(
    store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 0.01)
    delivered = asyncio.Event()
    failures = [KeyError("a bug"), ZeroDivisionError("another")]

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == 3:
            delivered.set()

    relay = await _relay(store, _Clock(), handler)
    works = relay.work

    async def fails_first() -> int:
        if failures:
            raise failures.pop()
        return await works()

    monkeypatch.setattr(relay, "work", fails_first)
    running = asyncio.create_task(relay.run())
    await asyncio.wait_for(delivered.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("failure", [ZeroDivisionError(), None])
async def test_a_lease_that_cannot_be_renewed_counts_as_lost(
    store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch, failure: Exception | None
) -> None:
    """Whatever fails, and where the store does not answer at all."""
    monkeypatch.setattr(relay_module, "LEASE", timedelta(seconds=0.15))
    seen: list[int] = []

    async def renewal(*_: object) -> bool:
        if failure is not None:
            raise failure
        return await asyncio.Event().wait()

    async def slow(event: DomainEvent, _: object) -> None:
        seen.append(event.version)
        monkeypatch.setattr(type(store.outbox), "lease", renewal)
        await asyncio.sleep(0.3)

    await (await _relay(store, _Clock(), slow)).work()
    assert seen == [1]


async def test_an_event_of_a_later_version_waits_and_holds_its_document_back(
    store: StoreHarness, thing: Any, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a step back to an older release: what it knows does not overtake what it does not know."""
    clock, seen = _Clock(), []
    other = await store.store("Thing")

    async def handler(event: DomainEvent, _: object) -> None:
        seen.append((event.document_id, event.type))

    handlers = MappingProxyType({("Thing", type_): (handler,) for type_ in ("updated", "submitted")})
    registry = Registry(store.registry.doctypes, handlers)
    async with open_store(registry) as later:
        for document in (thing, other):
            async with later.units(later.context) as unit:
                unit.record(DocSubmitted(**dataclasses.asdict(later.event(document, 4))))
                await unit.commit()
        monkeypatch.delitem(EVENT_TYPES, "updated")
        relay = await _relay_over(registry, later, clock)
        await relay.work()
        assert seen == [(other.id, "submitted")]
        monkeypatch.undo()
        await relay.work()
        assert len(seen) == 1
        clock.now += timedelta(hours=1)
        await relay.work()
    assert seen[1:] == [*[(thing.id, "updated")] * 3, (thing.id, "submitted")]


async def test_records_of_relay_and_handlers_tell_of_the_event(store: StoreHarness, thing: Any) -> None:
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
        relay = await _relay(store, clock, handler)
        await relay.work()
        clock.now += timedelta(minutes=1)
        failed = list(seen)
        for _ in range(relay_module.MAX_ATTEMPTS):
            await relay.work()
            clock.now += timedelta(hours=1)
    finally:
        logging.getLogger().removeHandler(recorded)
    (in_handler,) = [fields for said, fields in failed if "a handler of Thing.updated failed" in said]
    (in_relay,) = [fields for said, fields in failed if "failed 1 times" in said]
    assert (in_handler["source"], in_relay["source"]) == ("event", "relay")
    assert in_handler["user_id"] == in_relay["user_id"] and "causation_id" in in_handler
    handled = [fields for said, fields in seen if said.startswith("handled")]
    assert len({fields["causation_id"] for fields in handled}) == len(handled) == 2
    assert LOG_CONTEXT.get() is None
