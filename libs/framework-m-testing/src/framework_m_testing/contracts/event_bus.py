"""The contract of `EventBusProtocol`, between a relay and its subscribers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from framework_m_core.domain.clock import Uuid7Generator
from framework_m_core.domain.errors import ConfigurationError, TransientError
from framework_m_core.domain.events import AnyEvent, DocCreated, DocUpdated
from framework_m_core.interfaces.event_bus import Delivery, EventBusProtocol
from framework_m_testing.contracts.contract import Contract

__all__ = ["EventBusContract"]

_IDS = Uuid7Generator()
_PATIENCE = 20
"""Seconds within which an event must be delivered or redelivered."""


def _events(*versions: int, document: UUID | None = None) -> list[AnyEvent]:
    """Return events of one document."""
    document = document or uuid4()
    data = {"name": "ä ☃", "changed": ["x"], "n": 1, "nothing": None}
    return [
        DocUpdated(
            id=_IDS(), doctype="Thing", document_id=document, version=version, index=1, tenant="t", actor="tester",
            occurred_at=datetime(2026, 1, 31, 12, 0, 0, 7, tzinfo=UTC), correlation_id=uuid4(), causation_id=uuid4(),
            data=data,
        )
        for version in versions
    ]  # fmt: skip


class _Group:
    """A subscriber that records the events it handles, and fails where `fails` returns True."""

    def __init__(self, fails: Callable[[AnyEvent], bool] = lambda _: False) -> None:
        self.handled: list[AnyEvent] = []
        self._fails = fails
        self._grown = asyncio.Event()

    async def __call__(self, event: AnyEvent) -> None:
        await asyncio.sleep(0)
        if self._fails(event):
            raise ZeroDivisionError(f"version {event.version}")
        self.handled.append(event)
        self._grown.set()

    async def has(self, events: Sequence[AnyEvent]) -> None:
        """Wait until all of these events are handled."""
        async with asyncio.timeout(_PATIENCE):
            while not {event.id for event in events} <= {event.id for event in self.handled}:
                self._grown.clear()
                await self._grown.wait()

    def first_times(self, document: UUID) -> list[int]:
        """Return the versions of a document in the order in which they were first handled."""
        return list(dict.fromkeys(event.version for event in self.handled if event.document_id == document))


def _once(*versions: int) -> Callable[[AnyEvent], bool]:
    """Return a predicate that is True once for each of these versions."""
    left = set(versions)

    def fails(event: AnyEvent) -> bool:
        is_first = event.version in left
        left.discard(event.version)
        return is_first

    return fails


async def _publish(bus: EventBusProtocol, events: Sequence[AnyEvent]) -> list[Delivery]:
    async with aclosing(bus.publish(events)) as deliveries:
        return [delivery async for delivery in deliveries]


async def _settle(bus: EventBusProtocol, events: Sequence[AnyEvent]) -> None:
    """Publish until all events are settled, as the relay does."""
    left = list(events)
    for _ in range(10):
        try:
            settled = {delivery.event_id for delivery in await _publish(bus, left) if delivery.error is None}
        except TransientError:
            settled = set()
        left = [event for event in left if event.id not in settled]
        if not left:
            return
    raise AssertionError(f"expected all events to be settled, got {len(left)} that are not")


def _mixed(*documents: list[AnyEvent]) -> Iterator[AnyEvent]:
    """Yield the events of several documents alternately."""
    for together in zip(*documents, strict=True):
        yield from together


class EventBusContract(Contract):
    """The contract of `EventBusProtocol`.

    Provide a fixture `event_bus` without subscribers and without events of other tests.
    """

    async def test_every_group_gets_every_event_as_it_was(self, event_bus: EventBusProtocol) -> None:
        """Each event is reported as settled once, and those of one document are handled in order."""
        one, other = _Group(), _Group()
        await event_bus.subscribe("one", one)
        await event_bus.subscribe("other", other)
        first, second = _events(*range(1, 21)), _events(*range(1, 21))
        created = DocCreated(
            id=_IDS(),
            doctype="Other",
            document_id=uuid4(),
            version=1,
            occurred_at=datetime.now(UTC),
            actor="x",
            data={},
        )
        events = [*_mixed(first, second), created]
        told = await _publish(event_bus, events)
        assert sorted(delivery.event_id for delivery in told) == sorted(event.id for event in events)
        assert [delivery.error for delivery in told] == [None] * len(events)
        for group in (one, other):
            await group.has(events)
            for document in (first, second):
                assert group.first_times(document[0].document_id) == list(range(1, 21))
            by_id = {event.id: event for event in group.handled}
            assert by_id == {event.id: event for event in events}
            assert type(by_id[created.id]) is DocCreated

    async def test_nothing_published_is_nothing_told(self, event_bus: EventBusProtocol) -> None:
        """An empty batch is not an error and yields nothing."""
        await event_bus.subscribe("one", _Group())
        assert await _publish(event_bus, []) == []

    async def test_a_failure_comes_again_and_holds_its_own_document_back_alone(
        self, event_bus: EventBusProtocol
    ) -> None:
        """Later events of the same document are neither reported nor handled before the failed one."""
        group = _Group(_once(2))
        await event_bus.subscribe("one", group)
        failing, healthy = _events(1, 2, 3), _events(11, 12, 13)
        told = {delivery.event_id: delivery.error for delivery in await _publish(event_bus, [*failing, *healthy])}
        assert [told[event.id] for event in (failing[0], *healthy)] == [None] * 4
        if told[failing[1].id] is not None:
            assert isinstance(told[failing[1].id], ZeroDivisionError)
            assert failing[2].id not in told
        await group.has(healthy)
        await _settle(event_bus, [event for event in failing if told.get(event.id, ...) is not None])
        await group.has(failing)
        assert group.first_times(failing[0].document_id) == [1, 2, 3]

    async def test_a_failing_group_keeps_nothing_from_another(self, event_bus: EventBusProtocol) -> None:
        """Other groups get all events, in whichever order the groups subscribed."""
        groups = [_Group(), _Group(lambda event: event.version == 1), _Group()]
        for number, group in enumerate(groups):
            await event_bus.subscribe(f"group{number}", group)
        events = [_events(1)[0], _events(2)[0]]
        await _publish(event_bus, events)
        for group in (groups[0], groups[2]):
            await group.has(events)
        await groups[1].has(events[1:])
        assert groups[1].first_times(events[0].document_id) == []

    async def test_it_can_be_closed_in_between(self, event_bus: EventBusProtocol) -> None:
        """After an early close, the events not reported are published again and handled in order."""
        group = _Group()
        await event_bus.subscribe("one", group)
        events = _events(*range(1, 11))
        async with aclosing(event_bus.publish(events)) as deliveries:
            told = [await anext(deliveries), await anext(deliveries)]
        assert [delivery.event_id for delivery in told] == [event.id for event in events[:2]]
        await _settle(event_bus, events[2:])
        await group.has(events)
        assert group.first_times(events[0].document_id) == list(range(1, 11))

    async def test_a_group_has_one_subscriber_in_a_process(self, event_bus: EventBusProtocol) -> None:
        """A second subscriber of a group is rejected, and the first one continues."""
        first, second = _Group(), _Group()
        await event_bus.subscribe("one", first)
        with pytest.raises(ConfigurationError, match="one"):
            await event_bus.subscribe("one", second)
        events = _events(1)
        await _settle(event_bus, events)
        await first.has(events)
        assert second.handled == []

    async def test_after_unsubscribe_a_subscriber_is_left_alone_and_its_group_goes_on_with_the_next(
        self, event_bus: EventBusProtocol
    ) -> None:
        """No event is lost between two subscribers: a broker keeps it, or the relay publishes it again."""
        first, second = _Group(), _Group()
        await event_bus.subscribe("one", first)
        before, between = _events(1), _events(1)
        await _settle(event_bus, before)
        await first.has(before)
        await event_bus.unsubscribe("one")
        await event_bus.unsubscribe("one")
        try:
            told = await _publish(event_bus, between)
        except TransientError:
            told = []
        await event_bus.subscribe("one", second)
        if not told or told[0].error is not None:
            await _settle(event_bus, between)
        await second.has(between)
        assert {event.id for event in first.handled} == {event.id for event in before}

    async def test_unsubscribe_waits_for_the_event_that_is_being_handled(self, event_bus: EventBusProtocol) -> None:
        """`unsubscribe` waits even for a slow subscriber; once it returns, nothing more is handled."""
        reached, begun, done = asyncio.Event(), 0, 0

        async def slow(event: AnyEvent) -> None:
            nonlocal begun, done
            begun += 1
            reached.set()
            await asyncio.sleep(0.1)
            done += 1

        await event_bus.subscribe("one", slow)
        publishing = asyncio.create_task(_publish(event_bus, _events(1)))
        async with asyncio.timeout(_PATIENCE):
            await reached.wait()
            await event_bus.unsubscribe("one")
        assert done == begun
        await asyncio.gather(publishing, return_exceptions=True)
