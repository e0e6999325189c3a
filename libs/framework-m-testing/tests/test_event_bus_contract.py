"""The contract of buses does not hold for one that cancels its subscribers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from framework_m_standard.memory.event_bus import MemoryEventBus
from framework_m_testing.contracts.event_bus import EventBusContract


class CancellingBus(MemoryEventBus):
    """Forgets a subscriber in the middle of an event, and leaves that to itself."""

    async def unsubscribe(self, group: str) -> None:
        self._groups.pop(group, None)


class CrowdedBus(MemoryEventBus):
    """Has a subscriber handle several events at once."""

    async def publish(self, events: Any) -> Any:
        tasks = [asyncio.ensure_future(anext(super(CrowdedBus, self).publish([event]))) for event in events]
        self._turn = _NoTurn()  # type: ignore[assignment]
        for task in tasks:
            yield await task


class _NoTurn:
    async def __aenter__(self) -> None:
        """Nobody waits."""

    async def __aexit__(self, *_: object) -> None:
        """Nobody waits."""


class ForgetfulBus(MemoryEventBus):
    """Gives up what fails, without a word."""

    def _park(self, *_: object) -> bool:
        return True


@pytest.mark.parametrize(
    ("bus", "broken"),
    [
        (CancellingBus, EventBusContract.test_unsubscribe_waits_for_the_event_that_is_being_handled),
        (CrowdedBus, EventBusContract.test_a_slow_subscriber_gets_one_event_at_a_time),
        (ForgetfulBus, EventBusContract.test_a_poison_event_is_parked_with_its_error_and_its_key_goes_on),
    ],
)
async def test_a_bus_that_breaks_a_promise_breaks_the_contract(bus: type[MemoryEventBus], broken: Any) -> None:
    with pytest.raises((AssertionError, ValueError)):
        await broken(EventBusContract(), bus())
