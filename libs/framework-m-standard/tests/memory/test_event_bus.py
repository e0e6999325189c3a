"""The bus in memory: what a contract for brokers too cannot ask of it."""

from __future__ import annotations

from contextlib import aclosing
from uuid import uuid4

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.errors import TransientError
from framework_m_core.domain.events import AnyEvent, DocCreated
from framework_m_standard.memory.event_bus import MemoryEventBus


def _event(version: int = 1) -> AnyEvent:
    return DocCreated(
        id=uuid4(),
        doctype="Thing",
        document_id=uuid4(),
        version=version,
        occurred_at=system_clock(),
        actor="x",
        data={},
    )


async def test_nothing_is_settled_while_nobody_is_subscribed(event_bus: MemoryEventBus) -> None:
    """The outbox keeps it: who comes later must not find it gone."""
    with pytest.raises(TransientError, match="has no subscriber"):
        await anext(event_bus.publish([_event()]))


async def test_an_event_is_handled_when_it_is_asked_for(event_bus: MemoryEventBus) -> None:
    """So that a relay that has lost its lease stops at once."""
    handled: list[AnyEvent] = []

    async def note(event: AnyEvent) -> None:
        handled.append(event)

    await event_bus.subscribe("one", note)
    events = [_event(), _event(), _event()]
    async with aclosing(event_bus.publish(events)) as deliveries:
        assert handled == []
        assert (await anext(deliveries)).event_id == events[0].id
        assert handled == events[:1]
    assert handled == events[:1]


async def test_the_errors_of_several_groups_are_told_together(event_bus: MemoryEventBus) -> None:
    async def divides(_: AnyEvent) -> None:
        raise ZeroDivisionError

    async def looks_up(_: AnyEvent) -> None:
        raise KeyError("x")

    await event_bus.subscribe("one", divides)
    await event_bus.subscribe("other", looks_up)
    delivery = await anext(event_bus.publish([_event()]))
    assert isinstance(delivery.error, ExceptionGroup)
    assert [type(error) for error in delivery.error.exceptions] == [ZeroDivisionError, KeyError]
