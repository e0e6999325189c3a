"""The contract of `EventBusProtocol`, between a relay and its subscribers."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from framework_m_core.domain.errors import ConfigurationError, TransientError
from framework_m_core.domain.events import AnyEvent, DocCreated
from framework_m_core.interfaces.event_bus import EventBusProtocol
from framework_m_testing.contracts.contract import Contract
from framework_m_testing.deliveries import (
    DELIVERY_TIMEOUT_SECONDS,
    RecordingGroup,
    fail_once,
    make_events,
    mix,
    publish,
    settle,
    wait_until,
)

__all__ = ["EventBusContract"]

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class EventBusContract(Contract):
    """The contract of `EventBusProtocol`.

    Provide a fixture `event_bus` without subscribers and without events of other tests, which parks an event after few
    failures, at most ten, with pauses so short that this takes seconds; its clock is the system's.
    """

    async def test_every_group_gets_every_event_as_it_was(self, event_bus: EventBusProtocol) -> None:
        """Each event is reported as settled once, and those of one document are handled in order."""
        one, other = RecordingGroup(), RecordingGroup()
        await event_bus.subscribe("one", one)
        await event_bus.subscribe("other", other)
        first, second = make_events(*range(1, 21)), make_events(*range(1, 21))
        created = _created("Other")
        events = [*mix(first, second), created]
        told = await publish(event_bus, events)
        assert sorted(delivery.event_id for delivery in told) == sorted(event.id for event in events)
        assert [delivery.error for delivery in told] == [None] * len(events)
        for group in (one, other):
            await group.has(events)
            for document in (first, second):
                assert group.list_first_times(document[0].document_id) == list(range(1, 21))
            by_id = {event.id: event for event in group.handled}
            assert by_id == {event.id: event for event in events}
            assert type(by_id[created.id]) is DocCreated

    async def test_nothing_published_is_nothing_told(self, event_bus: EventBusProtocol) -> None:
        """An empty batch is not an error and yields nothing."""
        await event_bus.subscribe("one", RecordingGroup())
        assert await publish(event_bus, []) == []

    async def test_a_failure_comes_again_and_holds_its_own_document_back_alone(
        self, event_bus: EventBusProtocol
    ) -> None:
        """Later events of the same document are neither reported nor handled before the failed one."""
        group = RecordingGroup(fail_once(2))
        await event_bus.subscribe("one", group)
        failing, healthy = make_events(1, 2, 3), make_events(11, 12, 13)
        told = {delivery.event_id: delivery.error for delivery in await publish(event_bus, [*failing, *healthy])}
        assert [told[event.id] for event in (failing[0], *healthy)] == [None] * 4
        if told[failing[1].id] is not None:
            assert isinstance(told[failing[1].id], ZeroDivisionError)
            assert failing[2].id not in told
        await group.has(healthy)
        await settle(event_bus, [event for event in failing if told.get(event.id, ...) is not None])
        await group.has(failing)
        assert group.list_first_times(failing[0].document_id) == [1, 2, 3]

    async def test_of_a_batch_that_is_closed_part_way_what_was_told_is_settled_for_all_keys(
        self, event_bus: EventBusProtocol
    ) -> None:
        """Each key goes on with its first event that was not reported; none is lost, and each key keeps its order."""
        group = RecordingGroup()
        await event_bus.subscribe("one", group)
        documents = [make_events(*range(1, 6)) for _ in range(3)]
        events = list(mix(*documents))
        async with aclosing(event_bus.publish(events)) as deliveries:
            told = {(await anext(deliveries)).event_id for _ in range(7)}
        for document in documents:
            settled = [event.id in told for event in document]
            assert settled == sorted(settled, reverse=True)
        await settle(event_bus, [event for event in events if event.id not in told])
        await group.has(events)
        for document in documents:
            assert group.list_first_times(document[0].document_id) == [1, 2, 3, 4, 5]

    async def test_a_failing_group_keeps_nothing_from_another(self, event_bus: EventBusProtocol) -> None:
        """Other groups get all events, in whichever order the groups subscribed."""
        groups = [RecordingGroup(), RecordingGroup(lambda event: event.version == 1), RecordingGroup()]
        for number, group in enumerate(groups):
            await event_bus.subscribe(f"group{number}", group)
        events = [make_events(1)[0], make_events(2)[0]]
        await publish(event_bus, events)
        for group in (groups[0], groups[2]):
            await group.has(events)
        await groups[1].has(events[1:])
        assert groups[1].list_first_times(events[0].document_id) == []

    async def test_it_can_be_closed_in_between(self, event_bus: EventBusProtocol) -> None:
        """After an early close, the events not reported are published again and handled in order."""
        group = RecordingGroup()
        await event_bus.subscribe("one", group)
        events = make_events(*range(1, 11))
        async with aclosing(event_bus.publish(events)) as deliveries:
            told = [await anext(deliveries), await anext(deliveries)]
        assert [delivery.event_id for delivery in told] == [event.id for event in events[:2]]
        await settle(event_bus, events[2:])
        await group.has(events)
        assert group.list_first_times(events[0].document_id) == list(range(1, 11))

    async def test_a_group_has_one_subscriber_in_a_process(self, event_bus: EventBusProtocol) -> None:
        """A second subscriber of a group is rejected, and the first one continues."""
        first, second = RecordingGroup(), RecordingGroup()
        await event_bus.subscribe("one", first)
        with pytest.raises(ConfigurationError, match="one"):
            await event_bus.subscribe("one", second)
        events = make_events(1)
        await settle(event_bus, events)
        await first.has(events)
        assert second.handled == []

    async def test_after_unsubscribe_a_subscriber_is_left_alone_and_its_group_goes_on_with_the_next(
        self, event_bus: EventBusProtocol
    ) -> None:
        """No event is lost between two subscribers: a broker keeps it, or the relay publishes it again."""
        first, second = RecordingGroup(), RecordingGroup()
        await event_bus.subscribe("one", first)
        before, between = make_events(1), make_events(1)
        await settle(event_bus, before)
        await first.has(before)
        await event_bus.unsubscribe("one")
        await event_bus.unsubscribe("one")
        try:
            told = await publish(event_bus, between)
        except TransientError:
            told = []
        await event_bus.subscribe("one", second)
        if not told or told[0].error is not None:
            await settle(event_bus, between)
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
        publishing = asyncio.create_task(publish(event_bus, make_events(1)))
        async with asyncio.timeout(DELIVERY_TIMEOUT_SECONDS):
            await reached.wait()
            await event_bus.unsubscribe("one")
        assert done == begun
        await asyncio.gather(publishing, return_exceptions=True)

    async def test_a_group_gets_what_its_patterns_cover(self, event_bus: EventBusProtocol) -> None:
        """Everything, the prefix of types, a type, or a type of one DocType; other events are settled all the same."""
        patterns = {"all": (), "prefix": ("doc.*",), "type": ("doc.created",), "topic": ("doc.created:Other", "shop.*")}
        groups = {name: RecordingGroup() for name in patterns}
        for name, wanted in patterns.items():
            await event_bus.subscribe(name, groups[name], *wanted)
        updated = make_events(1, 2)
        created = [_created("Thing"), _created("Other")]
        events = [*created, *updated]
        assert len(await publish(event_bus, events)) == 4
        await groups["all"].has(events)
        await groups["prefix"].has(events)
        await groups["type"].has(created)
        await groups["topic"].has(created[1:])
        ends = [_created("Other")]
        await settle(event_bus, ends)
        for group in groups.values():
            await group.has(ends)
        assert {event.id for event in groups["type"].handled} == {event.id for event in [*created, *ends]}
        assert {event.id for event in groups["topic"].handled} == {event.id for event in [created[1], *ends]}

    @pytest.mark.parametrize("group", ["", "a:b", "a*", "a b", "ä", "x" * 101])
    async def test_a_name_that_a_broker_could_misread_is_refused(self, event_bus: EventBusProtocol, group: str) -> None:
        """Names become parts of keys and subjects."""
        with pytest.raises(ConfigurationError):
            await event_bus.subscribe(group, RecordingGroup())

    @pytest.mark.parametrize("pattern", ["", "doc", "doc.**", "*.created", "doc.>", "doc.[a]*"])
    async def test_a_pattern_that_is_none_is_refused(self, event_bus: EventBusProtocol, pattern: str) -> None:
        """Patterns are those of consumers, whatever a broker takes."""
        with pytest.raises(ConfigurationError):
            await event_bus.subscribe("one", RecordingGroup(), pattern)

    async def test_a_poison_event_is_parked_with_its_error_and_its_key_goes_on(
        self, event_bus: EventBusProtocol
    ) -> None:
        """For the group that fails alone; retried once it is mended, it is handled and no longer parked."""
        broken = {2}
        failing, healthy = RecordingGroup(lambda event: event.version in broken), RecordingGroup()
        await event_bus.subscribe("failing", failing)
        await event_bus.subscribe("healthy", healthy)
        events = make_events(1, 2, 3)
        await settle(event_bus, events)
        await failing.has([events[0], events[2]])
        await healthy.has(events)
        (parked,) = await event_bus.read_parked("failing")
        assert (parked.event_id, parked.key, parked.topic) == (events[1].id, events[1].key, events[1].topic)
        assert parked.error == "ZeroDivisionError: version 2"
        assert 1 < parked.attempts <= 10
        assert await event_bus.read_parked("healthy") == []
        assert await event_bus.retry("failing", uuid4()) == 0
        broken.clear()
        assert await event_bus.retry("failing", events[1].id) == 1
        await failing.has(events)

        async def is_retried() -> bool:
            return not await event_bus.read_parked("failing")

        await wait_until(is_retried)

    async def test_a_parked_event_is_dropped_for_its_group_alone(self, event_bus: EventBusProtocol) -> None:
        """One, or all that are parked: they are delivered no more, and everything else is."""
        failing, other = (
            RecordingGroup(lambda event: event.version < 4),
            RecordingGroup(lambda event: event.version == 1),
        )
        await event_bus.subscribe("failing", failing)
        await event_bus.subscribe("other", other)
        events = make_events(1, 2, 3, 4)
        await settle(event_bus, events)
        await failing.has(events[3:])
        await other.has(events[1:])
        assert [one.event_id for one in await event_bus.read_parked("failing")] == [event.id for event in events[:3]]
        assert await event_bus.drop("failing", uuid4()) == 0
        assert await event_bus.drop("failing", events[0].id) == 1
        assert [one.event_id for one in await event_bus.read_parked("failing")] == [event.id for event in events[1:3]]
        assert await event_bus.drop("failing") == 2
        assert [await event_bus.read_parked("failing"), await event_bus.retry("failing")] == [[], 0]
        assert [one.event_id for one in await event_bus.read_parked("other")] == [events[0].id]

    async def test_a_parked_event_that_fails_again_is_parked_again(self, event_bus: EventBusProtocol) -> None:
        """With one more attempt, and holding nothing back."""
        group = RecordingGroup(lambda event: event.version == 1)
        await event_bus.subscribe("one", group)
        events = make_events(1, 2)
        await settle(event_bus, events)
        await group.has(events[1:])
        (before,) = await event_bus.read_parked("one")
        assert await event_bus.retry("one") == 1

        async def is_parked_again() -> bool:
            return [one.attempts for one in await event_bus.read_parked("one")] == [before.attempts + 1]

        await wait_until(is_parked_again)

    async def test_a_replay_delivers_again_what_was_published_since(self, event_bus: EventBusProtocol) -> None:
        """To the group that asks, in order, and to one that is new as well."""
        group, other, late = RecordingGroup(), RecordingGroup(), RecordingGroup()
        await event_bus.subscribe("one", group)
        await event_bus.subscribe("other", other)
        before, after = make_events(1), make_events(2, 3)
        await settle(event_bus, before)
        await group.has(before)
        await asyncio.sleep(0.05)
        since = datetime.now(UTC)
        await asyncio.sleep(0.05)
        await settle(event_bus, after)
        await group.has(after)
        await other.has(after)
        group.handled.clear()
        other.handled.clear()
        await event_bus.replay("one", since)
        await group.has(after)
        assert [event.version for event in group.handled] == [2, 3]
        await event_bus.subscribe("late", late, "doc.*")
        await event_bus.replay("late", _LONG_AGO)
        await late.has([*before, *after])
        ends = make_events(4)
        await settle(event_bus, ends)
        for each in (group, other, late):
            await each.has(ends)
        assert [event.version for event in other.handled] == [4]

    async def test_a_slow_subscriber_gets_one_event_at_a_time(self, event_bus: EventBusProtocol) -> None:
        """However many are published meanwhile; none is lost, and each key keeps its order."""
        running = maximum = 0
        group = RecordingGroup()

        async def slow(event: AnyEvent) -> None:
            nonlocal running, maximum
            running += 1
            maximum = max(maximum, running)
            await asyncio.sleep(0.002)
            await group(event)
            running -= 1

        await event_bus.subscribe("slow", slow)
        documents = [make_events(*range(1, 41)) for _ in range(4)]
        events = list(mix(*documents))
        await settle(event_bus, events)
        await group.has(events)
        assert maximum == 1
        for document in documents:
            assert group.list_first_times(document[0].document_id) == list(range(1, 41))

    async def test_a_removed_group_is_forgotten(self, event_bus: EventBusProtocol) -> None:
        """With what it has parked; a subscription of its name begins anew. One that is subscribed is not removed."""
        group = RecordingGroup(lambda event: event.version == 1)
        await event_bus.subscribe("one", group)
        await event_bus.subscribe("other", RecordingGroup())
        events = make_events(1, 2)
        await settle(event_bus, events)
        await group.has(events[1:])
        with pytest.raises(ConfigurationError):
            await event_bus.remove("one")
        await event_bus.unsubscribe("one")
        await event_bus.remove("one")
        assert await event_bus.read_parked("one") == []
        await settle(event_bus, make_events(1))
        anew = RecordingGroup()
        await event_bus.subscribe("one", anew)
        ends = make_events(5)
        await settle(event_bus, ends)
        await anew.has(ends)
        assert [event.version for event in anew.handled] == [5]


def _created(doctype: str) -> AnyEvent:
    return DocCreated(
        id=uuid4(), doctype=doctype, document_id=uuid4(), version=1, occurred_at=datetime.now(UTC), actor="x", data={}
    )
