"""Delivery of events to the app's consumers on request; a failing handler fails the test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import uuid4

from framework_m_core.container.container import Container
from framework_m_core.domain.clock import Clock
from framework_m_core.domain.events import StoredEvent
from framework_m_core.interfaces.consumers import ConsumersProtocol, Progress
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.delivery import EventDelivery
from framework_m_core.services.events.dispatch import EventDispatch

__all__ = ["Deliveries"]

_BATCH: Final = 100
_LEASE: Final = timedelta(seconds=15)


class Deliveries:
    """Delivers events as a server does, but only when the test asks for it, and one after the other."""

    def __init__(self, container: Container) -> None:
        self._outbox: OutboxProtocol = container.get("outbox")
        self._consumers: ConsumersProtocol = container.get("consumers")
        self._delivery: EventDelivery = container.get("event_delivery")
        self._dispatch: EventDispatch = container.get("event_dispatch")
        self._registries: RegistryHandle = container.get("registry_handle")
        self._clock: Clock = container.get("clock")
        self._holder = uuid4().hex

    async def deliver(self) -> None:
        """Deliver all pending events, including those that the handlers cause.

        Raises what a handler raised; its event is delivered again next time. Raises RuntimeError while another process
        delivers.
        """
        await self._delivery.register()
        names = list(self._registries.current.consumers)
        try:
            while sum([await self._deliver_to(name) for name in names]):
                pass
        finally:
            for name in names:
                await self._consumers.release(name, self._holder)

    async def _deliver_to(self, name: str) -> int:
        """Deliver what one consumer has before it, and return the number of events."""
        cursor = await self._lease(name)
        due = [one.event for one in await self._consumers.due(name, self._clock(), _BATCH)]
        for event in due:
            await self._dispatch.deliver(name, event)
            await self._consumers.save(name, self._holder, Progress(cursor, handled=(event.position,)))
        batch = await self._outbox.read(cursor, _BATCH, lambda topic: self._dispatch.is_wanted(name, topic))
        await self._deliver_batch(name, batch.events)
        await self._consumers.save(name, self._holder, Progress(batch.upto))
        return len(due) + len(batch.events) + batch.more

    async def _deliver_batch(self, name: str, events: Sequence[StoredEvent]) -> None:
        for event in events:
            await self._dispatch.deliver(name, event)
            await self._consumers.save(name, self._holder, Progress(event.position))
            if not await self._consumers.renew(name, self._holder, self._clock(), _LEASE):
                raise _taken()

    async def _lease(self, name: str) -> int:
        cursor = await self._consumers.lease(name, self._holder, self._clock(), _LEASE)
        if cursor is None:
            raise _taken()
        return cursor


def _taken() -> RuntimeError:
    return RuntimeError(
        "events cannot be delivered: another process delivers those of this database, such as a server, or was "
        f"killed less than {_LEASE.seconds} seconds ago; stop it, or give the test a database of its own"
    )
