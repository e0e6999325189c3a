"""`EventDelivery`: the consumers that this process runs, registered with the store and kept running."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.errors import RepositoryError
from framework_m_core.domain.events import EVERY_EVENT, Interest
from framework_m_core.domain.log_context import LogContext, bound_log_context
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.interfaces.event_bus import EventBusProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.registry.events.consumers import BUS
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.events.dispatch import EventDispatch
from framework_m_core.services.events.runner import POLL_SECONDS, ConsumerRunner, Subscription

__all__ = ["EventDelivery"]

_log = logging.getLogger(__name__)


class EventDelivery:
    """Delivery of stored events to the consumers that the registry declares."""

    def __init__(
        self,
        registries: RegistryHandle,
        dispatch: EventDispatch,
        outbox: OutboxProtocol,
        consumers: ConsumersProtocol,
        event_bus: EventBusProtocol,
        clock: Clock,
        width: int,
    ) -> None:
        """Create a delivery in which each consumer takes `width` events at a time."""
        self._registries = registries
        self._dispatch = dispatch
        self._outbox = outbox
        self._consumers = consumers
        self._event_bus = event_bus
        self._clock = clock
        self._width = width
        self._registered: Registry | None = None
        self._runners: dict[str, ConsumerRunner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped = asyncio.Event()

    async def register(self) -> None:
        """Store the consumers of the current registry, and of the bus: each gets what is committed from then on."""
        registry = self._registries.current
        if registry is not self._registered:
            interests = {name: one.interest for name, one in registry.consumers.items()}
            if self._event_bus.has_subscribers:
                interests[BUS] = Interest([EVERY_EVENT])
            if interests:
                await self._consumers.register(interests, self._clock())
            self._registered = registry

    async def run(self) -> None:
        """Run all consumers until stopped, including those that a later registry declares."""
        with bound_log_context(LogContext(source="relay")):
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
            await self._prepare()
        except RepositoryError as error:
            _log.warning("could not register consumers, retrying: %s", error)
        except Exception:
            _log.exception("event delivery failed, retrying")
        for name, runner in self._runners.items():
            if name not in self._tasks:
                self._tasks[name] = asyncio.create_task(runner.run(), name=f"consumer {name}")

    async def _prepare(self) -> None:
        """Register what the current registry declares, and make runners for it."""
        await self.register()
        for name in self._registries.current.consumers:
            if name not in self._runners:
                wanted, deliver = partial(self._dispatch.is_wanted, name), partial(self._dispatch.deliver, name)
                subscription = Subscription(name, wanted, deliver, self._width)
                self._runners[name] = ConsumerRunner(subscription, self._outbox, self._consumers, self._clock)

    def stop(self) -> None:
        """Stop after the events that are being delivered."""
        self._stopped.set()
        for runner in self._runners.values():
            runner.stop()

    async def work(self) -> int:
        """Deliver all that is due, and what the consumers cause, and return the number of deliveries."""
        await self._prepare()
        total = 0
        while delivered := sum([await runner.work() for runner in self._runners.values()]):
            total += delivered
        return total
