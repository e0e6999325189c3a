"""`OutboxRelay`: the consumer that feeds the event bus, and the pruning of what every consumer has passed."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing, suppress
from datetime import timedelta

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.domain.clock import Clock
from framework_m_core.domain.errors import RepositoryError, TransientError
from framework_m_core.domain.events import EVERY_EVENT, Interest, StoredEvent
from framework_m_core.domain.log_context import LogContext, bound_log_context
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.interfaces.event_bus import EventBusProtocol
from framework_m_core.interfaces.idempotency import IdempotencyProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.registry.events.consumers import BUS
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.dispatch import known_event
from framework_m_core.services.events.runner import ConsumerRunner, Subscription

__all__ = ["OutboxRelay"]

_log = logging.getLogger(__name__)

_PRUNE_EVERY = timedelta(minutes=10)
_LOOK_SECONDS = 5.0
_WIDTH = 16
"""How many events are on their way to the bus at a time, each of another key."""


class OutboxRelay:
    """Delivery of every stored event to the bus, if anybody is subscribed there, and pruning."""

    def __init__(
        self,
        registries: RegistryHandle,
        outbox: OutboxProtocol,
        consumers: ConsumersProtocol,
        event_bus: EventBusProtocol,
        idempotency: IdempotencyProtocol,
        clock: Clock,
        retention: timedelta,
    ) -> None:
        self._registries = registries
        self._outbox = outbox
        self._consumers = consumers
        self._event_bus = event_bus
        self._idempotency = idempotency
        self._clock = clock
        self._retention = retention
        self._prune_at = clock()
        self._stopped = asyncio.Event()
        subscription = Subscription(BUS, lambda _: True, self._publish, _WIDTH)
        self._runner = ConsumerRunner(subscription, outbox, consumers, clock)

    async def run(self) -> None:
        """Feed the bus and prune until stopped, waiting while the store is unavailable."""
        with bound_log_context(LogContext(source="relay")):
            feeding: asyncio.Task[None] | None = None
            try:
                while not self._stopped.is_set():
                    try:
                        if feeding is None and await self._is_fed():
                            feeding = asyncio.create_task(self._runner.run(), name=f"consumer {BUS}")
                        await self._prune()
                    except RepositoryError as error:
                        _log.warning("could not prune old events, retrying: %s", error)
                    except Exception:
                        _log.exception("relay failed, retrying")
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stopped.wait(), _LOOK_SECONDS)
            finally:
                self._runner.stop()
                if feeding is not None:
                    await asyncio.gather(feeding, return_exceptions=True)

    def stop(self) -> None:
        """Stop after the events that are being published."""
        self._stopped.set()
        self._runner.stop()

    async def work(self) -> int:
        """Publish all that is due, prune if it is time, and return the number of events published."""
        published = await self._runner.work() if await self._is_fed() else 0
        await self._prune()
        return published

    async def _is_fed(self) -> bool:
        """Return whether the bus has subscribers; store its consumer then."""
        if self._event_bus.has_subscribers:
            await self._consumers.register({BUS: Interest([EVERY_EVENT])}, self._clock())
        return self._event_bus.has_subscribers

    async def _prune(self) -> None:
        now = self._clock()
        if now >= self._prune_at:
            self._prune_at = now + _PRUNE_EVERY
            await self._outbox.prune(now - self._retention)
            await self._idempotency.prune(now)

    async def _publish(self, stored: StoredEvent) -> None:
        event = known_event(self._registries.current, stored)
        try:
            async with aclosing(self._event_bus.publish([event])) as deliveries:
                async for delivery in deliveries:
                    if delivery.error is not None:
                        raise delivery.error
        except TransientError as error:
            raise ConsumerUnavailableError(str(error)) from error
