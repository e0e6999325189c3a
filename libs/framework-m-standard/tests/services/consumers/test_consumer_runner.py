"""The runner of a consumer on each store: in order per key, at least once, held back by failures, one at a time."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from framework_m_core.domain.errors import EntityNotFoundError
from framework_m_core.domain.events import DocDeleted, DocSubmitted, DomainEvent, Interest
from framework_m_core.domain.log_context import LOG_CONTEXT, log_fields
from framework_m_core.interfaces.consumers import Progress
from framework_m_core.interfaces.outbox import EventBatch
from framework_m_core.registry import registry as registry_module
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.events.progress import MAX_ATTEMPTS
from framework_m_testing.deliveries import drain
from framework_m_testing.harness import OpenStore, StoreHarness

from .conftest import NAME, TurnedClock, failing_once, make_runner, registry_of, runner_of, runner_over


async def test_events_are_delivered_once_each_in_order(store: StoreHarness, thing: Any) -> None:
    seen = []

    async def handler(event: DomainEvent, documents: Any) -> None:
        seen.append((event.document_id, event.version))
        assert documents.principal.system
        assert documents.causation_id == event.id

    runner = await make_runner(store, TurnedClock(), handler)
    assert await drain(runner)
    assert not await drain(runner)
    assert seen == [(thing.id, version) for version in (1, 2, 3)]


@pytest.mark.parametrize(("gone", "is_done"), [("own", True), ("other", False), ("other doctype", False)])
async def test_an_event_whose_document_is_gone_is_done(
    store: StoreHarness, thing: Any, gone: str, is_done: bool
) -> None:
    seen = list[int]()

    async def handler(event: DomainEvent, _: object) -> None:
        seen.append(event.version)
        named = ("Thing", str(event.document_id if gone == "own" else store.context.request_id))
        doctype, ref = ("Other", str(event.document_id)) if gone == "other doctype" else named
        raise EntityNotFoundError("gone", doctype=doctype, ref=ref)

    await drain(await make_runner(store, TurnedClock(), handler))
    assert seen == ([1, 2, 3] if is_done else [1])


async def test_the_handler_of_a_deletion_that_looks_for_its_document_fails(store: StoreHarness, thing: Any) -> None:
    async def handler(event: DomainEvent, _: object) -> None:
        raise EntityNotFoundError("gone", doctype="Thing", ref=str(event.document_id))

    changed = store.make_event(thing, 4)
    named = {name: getattr(changed, name) for name in ("doctype", "document_id", "version", "occurred_at", "actor")}
    async with store.units(store.context) as unit:
        unit.record(DocDeleted(id=changed.id, data={}, **named))
        await unit.commit()
    clock = TurnedClock()
    await drain(await runner_over(registry_of(store, handler, "doc.deleted"), store, clock))
    clock.now += timedelta(minutes=1)
    assert [due.attempts for due in await store.consumers.read_due(NAME, clock(), 10)] == [1]


async def test_a_failure_holds_the_document_back_and_is_tried_again(store: StoreHarness, thing: Any) -> None:
    clock, seen = TurnedClock(), list[int]()
    runner = await make_runner(store, clock, failing_once(2, seen))
    await drain(runner)
    assert seen == [1]
    await drain(runner)
    assert seen == [1]
    clock.now += timedelta(minutes=1)
    await drain(runner)
    assert seen == [1, 2, 3]


async def test_what_is_written_after_a_failure_waits_too(store: StoreHarness, thing: Any) -> None:
    clock, seen = TurnedClock(), list[int]()
    handler = failing_once(3, seen)
    runner = await make_runner(store, clock, handler)
    await drain(runner)
    for version in (4, 5):
        async with store.units(store.context) as unit:
            unit.record(store.make_event(thing, version))
            await unit.commit()
        await drain(runner)
    assert seen == [1, 2]
    clock.now += timedelta(minutes=1)
    await drain(await make_runner(store, clock, handler))
    assert seen == [1, 2, 3, 4, 5]


async def test_an_event_that_always_fails_is_given_up_and_the_next_go_on(store: StoreHarness, thing: Any) -> None:
    clock, seen = TurnedClock(), []

    async def handler(event: DomainEvent, _: object) -> None:
        if event.version == 1:
            raise ZeroDivisionError
        seen.append(event.version)

    runner = await make_runner(store, clock, handler)
    for _ in range(MAX_ATTEMPTS + 1):
        await drain(runner)
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
        await asyncio.Event().wait()


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
        unit.record(store.make_event(other, 1))
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

    clock = TurnedClock()
    runner = await make_runner(store, clock, handler, seconds=0.05)
    await drain(runner)
    assert (seen, failures) == ([(other.id, 1)], [told])
    clock.now += timedelta(minutes=1)
    await drain(runner)
    assert seen[1:] == [(thing.id, version) for version in (1, 2, 3)]


async def test_a_runner_that_is_stopped_ends_after_the_event_in_hand(store: StoreHarness, thing: Any) -> None:
    begun, released, seen = asyncio.Event(), asyncio.Event(), []

    async def handler(event: DomainEvent, _: object) -> None:
        begun.set()
        await released.wait()
        seen.append(event.version)

    clock = TurnedClock()
    runner = await make_runner(store, clock, handler)
    running = asyncio.create_task(runner.run())
    await begun.wait()
    runner.stop()
    released.set()
    await asyncio.wait_for(running, 5)
    assert seen == [1]
    next_runner = await make_runner(store, clock, handler)
    await drain(next_runner)
    assert seen == [1, 2, 3]


async def test_an_event_of_a_later_version_waits_and_holds_its_document_back(
    store: StoreHarness, thing: Any, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a step back to an older release: what it knows does not overtake what it does not know."""
    clock, seen = TurnedClock(), []
    other = await store.store("Thing")

    async def handler(event: DomainEvent, _: object) -> None:
        seen.append((event.document_id, event.type))

    registry = registry_of(store, handler, "doc.updated", "doc.submitted")
    async with open_store(registry) as later:
        for document in (thing, other):
            async with later.units(later.context) as unit:
                unit.record(DocSubmitted(**_fields(later.make_event(document, 4))))
                await unit.commit()
        monkeypatch.setattr(registry_module, "DOC_EVENTS", {"doc.submitted": DocSubmitted})
        runner = await runner_over(registry, later, clock)
        await drain(runner)
        assert seen == [(other.id, "doc.submitted")]
        monkeypatch.undo()
        await drain(runner)
        assert len(seen) == 1
        clock.now += timedelta(hours=1)
        await drain(runner)
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

    recorded, clock = Recorded(), TurnedClock()
    logging.getLogger().addHandler(recorded)
    try:
        runner = await make_runner(store, clock, handler)
        await drain(runner)
        clock.now += timedelta(minutes=1)
        failed = list(seen)
        for _ in range(MAX_ATTEMPTS):
            await drain(runner)
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


@pytest.mark.parametrize("older", [("doc.submitted",), ()], ids=["another interest", "no consumer"])
async def test_a_worker_passes_over_nothing_that_only_the_next_registry_wants(
    store: StoreHarness, thing: Any, older: tuple[str, ...]
) -> None:
    clock, seen = TurnedClock(), list[int]()

    async def handler(event: DomainEvent, documents: object) -> None:
        seen.append(event.version)

    before = registry_of(store, handler, *older) if older else Registry(store.registry.doctypes, MappingProxyType({}))
    after = registry_of(store, handler, "doc.updated", *older)
    await store.consumers.register({NAME: Interest(f"{type_}:Thing" for type_ in older)}, clock())
    registry_handle = RegistryHandle(before)
    runner = runner_of(registry_handle, store, clock)
    await store.consumers.register({NAME: after.consumers[NAME].interest}, clock())
    await drain(runner)
    assert seen == []
    registry_handle.swap(after, 1)
    clock.now += timedelta(seconds=2)
    await drain(runner)
    assert seen == [1, 2, 3]


async def test_an_interest_that_grows_while_events_are_read_is_seen(
    store: StoreHarness, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events are committed after the store has the interest, so it is asked for after they are read."""
    clock, seen = TurnedClock(), list[int]()

    async def handler(event: DomainEvent, documents: object) -> None:
        seen.append(event.version)

    registry_handle = RegistryHandle(registry_of(store, handler, "doc.submitted"))
    after = registry_of(store, handler, "doc.submitted", "doc.updated")
    await store.consumers.register({NAME: registry_handle.current.consumers[NAME].interest}, clock())
    read = store.outbox.read

    async def read_later(position: int, limit: int, wanted: Callable[[str], bool]) -> EventBatch:
        batch = await read(position, limit, wanted)
        await store.consumers.register({NAME: after.consumers[NAME].interest}, clock())
        return batch

    monkeypatch.setattr(store.outbox, "read", read_later)
    runner = runner_of(registry_handle, store, clock)
    await drain(runner)
    registry_handle.swap(after, 1)
    clock.now += timedelta(seconds=2)
    await drain(runner)
    assert seen == [1, 2, 3]


async def test_an_event_that_nobody_wants_any_longer_is_passed(store: StoreHarness, thing: Any) -> None:
    clock = TurnedClock()
    handler = failing_once(1, [])
    registry_handle = RegistryHandle(registry_of(store, handler, "doc.updated"))
    await store.consumers.register({NAME: registry_handle.current.consumers[NAME].interest}, clock())
    runner = runner_of(registry_handle, store, clock)
    await drain(runner)
    narrower = registry_of(store, handler, "doc.submitted")
    await store.consumers.register({NAME: narrower.consumers[NAME].interest}, clock())
    registry_handle.swap(narrower, 1)
    clock.now += timedelta(minutes=1)
    await drain(runner)
    (state,) = [one for one in await store.consumers.read_states(clock(), timedelta(seconds=15)) if one.name == NAME]
    assert (state.waiting, state.parked, state.waits_since) == (0, 0, None)
