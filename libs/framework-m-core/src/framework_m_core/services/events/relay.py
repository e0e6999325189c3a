"""`OutboxRelay`: the consumer that feeds the event bus, and the pruning of what every consumer has passed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from datetime import timedelta
from functools import partial
from uuid import UUID

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import RELAY
from framework_m_core.domain.errors import RepositoryError, TransientError
from framework_m_core.domain.events import AnyEvent, StoredEvent
from framework_m_core.domain.log_context import LogContext, bind_log_context
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.interfaces.event_bus import EventBusProtocol
from framework_m_core.interfaces.idempotency import IdempotencyProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.registry.consumers import BUS
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.batches import Batches
from framework_m_core.services.events.dispatch import restore_event
from framework_m_core.services.events.limits import EventLimits
from framework_m_core.services.events.registration import ConsumerRegistration
from framework_m_core.services.events.runner import ConsumerRunner
from framework_m_core.services.events.turn import Subscription

__all__ = ["OutboxRelay"]

_log = logging.getLogger(__name__)

_PRUNE_EVERY = timedelta(minutes=10)
_LOOK_SECONDS = 5.0


class OutboxRelay:
    """Delivery of every stored event to the bus, if anybody is subscribed there, and pruning."""

    def __init__(
        self,
        registry_handle: RegistryHandle,
        outbox: OutboxProtocol,
        consumers: ConsumersProtocol,
        consumer_registration: ConsumerRegistration,
        event_bus: EventBusProtocol,
        idempotency: IdempotencyProtocol,
        clock: Clock,
        event_limits: EventLimits,
    ) -> None:
        self._registry_handle = registry_handle
        self._outbox = outbox
        self._registration = consumer_registration
        self._event_bus = event_bus
        self._idempotency = idempotency
        self._clock = clock
        self._retention = event_limits.retention
        self._prune_at = clock()
        self._stopped = asyncio.Event()
        subscription = Subscription(BUS, lambda _: True, partial(Batches, self._publish))
        self._runner = ConsumerRunner(subscription, outbox, consumers, clock)

    async def run(self) -> None:
        """Feed the bus and prune until stopped, waiting while the store is unavailable."""
        with bind_log_context(LogContext(source=RELAY)):
            feeding: asyncio.Task[None] | None = None
            try:
                while not self._stopped.is_set():
                    try:
                        if feeding is None and await self.prepare():
                            feeding = asyncio.create_task(self._runner.run(), name=f"consumer {BUS}")
                        await self.prune()
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

    async def prepare(self) -> Sequence[ConsumerRunner]:
        """Register the bus as a consumer, and return its runner; none while it has no subscribers."""
        return (self._runner,) if BUS in await self._registration.register() else ()

    async def prune(self) -> None:
        """Delete old events and kept responses, if it is time."""
        now = self._clock()
        if now >= self._prune_at:
            self._prune_at = now + _PRUNE_EVERY
            await self._outbox.prune(now - self._retention)
            await self._idempotency.prune(now)

    async def _publish(self, stored: Sequence[StoredEvent]) -> AsyncGenerator[tuple[UUID, Exception | None], None]:
        """Publish events in one call, except those that cannot be decoded and the later ones of their keys."""
        decoded: list[AnyEvent] = []
        failed: set[str] = set()
        for event in stored:
            if event.key in failed:
                continue
            try:
                decoded.append(restore_event(self._registry_handle.current, event))
            except Exception as error:  # an unknown type, or a payload that its model no longer accepts
                failed.add(event.key)
                yield event.id, error
        try:
            async with aclosing(self._event_bus.publish(decoded)) as deliveries:
                async for delivery in deliveries:
                    yield delivery.event_id, delivery.error
        except TransientError as error:
            raise ConsumerUnavailableError(str(error)) from error
