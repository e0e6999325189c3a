"""Events of a test, handed to the app's handlers on request; a handler that fails fails the test."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import cast

from framework_m_core.container.container import Container
from framework_m_core.domain.events import DomainEvent
from framework_m_core.interfaces.event_bus import Delivery, EventBusProtocol
from framework_m_core.services.event_dispatch import EventDispatch
from framework_m_core.services.relay import OutboxRelay

__all__ = ["Deliveries"]


class Deliveries:
    """What a server's relay and bus do, when the test says so."""

    def __init__(self, container: Container) -> None:
        get = container.get
        bus = cast("EventBusProtocol", _StraightToHandlers(get("event_dispatch")))
        self._relay = OutboxRelay(get("outbox"), bus, get("idempotency"), get("clock"))

    async def deliver(self) -> None:
        """Delivers every event that waits, and those that the handlers cause.

        Raises what a handler raised; its event is delivered again the next time.
        """
        while await self._relay.work():
            pass


class _StraightToHandlers:
    """The side of a bus that a relay uses."""

    def __init__(self, dispatch: EventDispatch) -> None:
        self._dispatch = dispatch

    async def publish(self, events: Sequence[DomainEvent]) -> AsyncGenerator[Delivery, None]:
        for event in events:
            await self._dispatch.handle(event)  # what it raises ends the relay's work, and is no delivery to be counted
            yield Delivery(event.id)
