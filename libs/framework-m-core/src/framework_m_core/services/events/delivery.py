"""`EventDelivery`: the consumers that this process runs, registered with the store and kept running."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import RELAY
from framework_m_core.domain.errors import RepositoryError
from framework_m_core.domain.log_context import LogContext, bind_log_context
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.registry.consumers import BUS
from framework_m_core.services.events.dispatch import EventDispatch
from framework_m_core.services.events.lanes import Lanes
from framework_m_core.services.events.limits import EventLimits
from framework_m_core.services.events.registration import ConsumerRegistration
from framework_m_core.services.events.runner import ConsumerRunner
from framework_m_core.services.events.turn import POLL_SECONDS, Subscription

__all__ = ["EventDelivery"]

_log = logging.getLogger(__name__)


class EventDelivery:
    """Delivery of stored events to the consumers that the registry declares."""

    def __init__(
        self,
        event_dispatch: EventDispatch,
        outbox: OutboxProtocol,
        consumers: ConsumersProtocol,
        consumer_registration: ConsumerRegistration,
        clock: Clock,
        event_limits: EventLimits,
    ) -> None:
        """Create a delivery in which each consumer takes `width` events at a time."""
        self._dispatch = event_dispatch
        self._outbox = outbox
        self._consumers = consumers
        self._registration = consumer_registration
        self._clock = clock
        self._width = event_limits.handler_concurrency
        self._runners: dict[str, ConsumerRunner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Run all consumers until stopped, including those that a later registry declares."""
        with bind_log_context(LogContext(source=RELAY)):
            try:
                while not self._stopped.is_set():
                    await self._start()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stopped.wait(), POLL_SECONDS)
            finally:
                for runner in self._runners.values():
                    runner.stop()
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _start(self) -> None:
        """Start the runners that do not run yet; an error is logged, since the next round tries again."""
        try:
            await self.prepare()
        except RepositoryError as error:
            _log.warning("could not register consumers, retrying: %s", error)
        except Exception:
            _log.exception("event delivery failed, retrying")
        for name, runner in self._runners.items():
            if name not in self._tasks:
                self._tasks[name] = asyncio.create_task(runner.run(), name=f"consumer {name}")

    async def prepare(self) -> Sequence[ConsumerRunner]:
        """Register what the current registry declares, and return a runner for each consumer."""
        for name in await self._registration.register():
            if name != BUS and name not in self._runners:
                wanted, deliver = partial(self._dispatch.is_wanted, name), partial(self._dispatch.deliver, name)
                subscription = Subscription(name, wanted, partial(Lanes, deliver, self._width))
                self._runners[name] = ConsumerRunner(subscription, self._outbox, self._consumers, self._clock)
        return tuple(self._runners.values())

    def stop(self) -> None:
        """Stop after the events that are being delivered."""
        self._stopped.set()
        for runner in self._runners.values():
            runner.stop()
