"""Delivery of events to the app's handlers on request; a failing handler fails the test."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import uuid4

from framework_m_core.container.container import Container
from framework_m_core.domain.clock import Clock
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.services.events.dispatch import EventDispatch

__all__ = ["Deliveries"]

_BATCH: Final = 100
_LEASE: Final = timedelta(seconds=15)


class Deliveries:
    """Delivers events as a server's relay and bus do, but only when the test asks for it."""

    def __init__(self, container: Container) -> None:
        self._outbox: OutboxProtocol = container.get("outbox")
        self._dispatch: EventDispatch = container.get("event_dispatch")
        self._clock: Clock = container.get("clock")
        self._holder = uuid4().hex

    async def deliver(self) -> None:
        """Deliver all pending events, including those that the handlers cause.

        Raises what a handler raised; its event is delivered again next time. Raises RuntimeError while another process
        delivers.
        """
        try:
            await self._lease()
            while rows := await self._outbox.pending(self._clock(), _BATCH):
                for row in rows:
                    await self._dispatch.handle(row.event)
                    await self._outbox.mark_published([row.position], self._clock())
                    await self._lease()
        finally:
            await self._outbox.release(self._holder)

    async def _lease(self) -> None:
        if not await self._outbox.lease(self._holder, self._clock(), _LEASE):
            raise RuntimeError(
                "events cannot be delivered: another process delivers those of this database, such as a server, or was "
                f"killed less than {_LEASE.seconds} seconds ago; stop it, or give the test a database of its own"
            )
