"""What the event bus over each broker keeps beyond the port's contract: crashes, several processes, a full stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.errors import TransientError
from framework_m_core.domain.events import AnyEvent
from framework_m_core.services.events.broker import reader as reader_module
from framework_m_core.services.events.broker.codec import decode_event, encode_event
from framework_m_testing.deliveries import RecordingGroup, make_events, mix, publish, publish_patiently, settle

type OpenBus = Callable[..., Awaitable[Any]]


class BrokerBusTests:
    """Provide a fixture `open_bus`, which opens a bus as a process does, and the module of the broker's groups."""

    group_module: ModuleType
    delivers_again_after_leaving = False
    """Whether a member that leaves in order may leave what it has handled to the next one."""

    async def test_what_a_crashed_member_had_is_its_successors(
        self, open_bus: OpenBus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also what had failed there and waits behind it, in the order of its key."""
        monkeypatch.setattr(reader_module, "_LEASE", reader_module._LEASE / 10)
        crashing, surviving = await open_bus(), await open_bus()
        begun, group = asyncio.Event(), RecordingGroup()

        async def hangs(event: AnyEvent) -> None:
            if event.version == 1:
                raise ZeroDivisionError
            begun.set()
            await asyncio.Event().wait()

        await crashing.subscribe("one", hangs)
        await surviving.subscribe("other", RecordingGroup())
        events = [*make_events(1, 2, 3), *make_events(11, 12)]
        for event in events:
            await publish(crashing, [event])
        await asyncio.wait_for(begun.wait(), 10)
        await crashing._client.close()  # as far as the broker can see, the process is gone
        await surviving.subscribe("one", group)
        await group.has(events)
        for first in (events[0], events[3]):
            assert group.list_first_times(first.document_id) == sorted(group.list_first_times(first.document_id)), (
                first.document_id
            )

    async def test_members_of_several_processes_keep_the_order_of_a_key(self, open_bus: OpenBus) -> None:
        """One has the lease at a time; when it leaves, another goes on."""
        here, there = await open_bus(), await open_bus()
        group = RecordingGroup()
        for bus in (here, there):
            await bus.subscribe("one", group)
        documents = [make_events(*range(1, 31)) for _ in range(3)]
        events = list(mix(*documents))
        await settle(here, events[:45])
        await group.has(events[:20])
        await here.unsubscribe("one")
        await settle(there, events[45:])
        await group.has(events)
        assert self.delivers_again_after_leaving or len(group.handled) == len(events)
        for document in documents:
            assert group.list_first_times(document[0].document_id) == list(range(1, 31))

    async def test_a_full_stream_takes_no_more_until_all_groups_have_handled_enough(self, open_bus: OpenBus) -> None:
        """Nothing that a group has yet to handle is dropped."""
        bus = await open_bus(max_stream_events=1000)
        group, gone = RecordingGroup(), RecordingGroup()
        await bus.subscribe("one", group)
        await bus.subscribe("gone", gone)
        await bus.unsubscribe("gone")
        events = [make_events(number)[0] for number in range(1000)]
        for first in range(0, 1000, 100):
            await publish(bus, events[first : first + 100])
        more = make_events(1, 2, 3)
        with pytest.raises(TransientError, match="max_stream_events"):
            await publish(bus, more)
        await group.has(events)
        with pytest.raises(TransientError, match="max_stream_events"):
            await publish(bus, more)
        await bus.subscribe("gone", gone)
        await gone.has(events)
        await publish_patiently(bus, more)
        for each in (group, gone):
            await each.has(more)

    async def test_what_was_retried_has_a_place_among_the_parked(
        self, open_bus: OpenBus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No other event takes it meanwhile."""
        monkeypatch.setattr(self.group_module, "_MAX_PARKED", 1)
        group, now = (await open_bus())._group("one"), system_clock()
        await group.create()
        assert await group.lease(timedelta(seconds=30))
        encoded, more = (encode_event(event) for event in make_events(1, 2))
        first, other = decode_event(encoded), decode_event(more)
        assert await group.park(self.entry(1), first, encoded, 3, "", now)
        assert await group.retry(first.id) == 1
        assert not await group.park(self.entry(2), other, more, 3, "", now)
        assert await group.park("", first, encoded, 4, "", now)
        assert [one.event_id for one in await group.read_parked(10)] == [first.id]
        assert not await group.read_retried()

    @staticmethod
    def entry(number: int) -> str:
        """The id of an entry of the broker's stream."""
        return str(number)
