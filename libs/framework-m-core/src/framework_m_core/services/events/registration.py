"""`ConsumerRegistration`: which consumers the store knows."""

from __future__ import annotations

from collections.abc import Collection

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.events import EVERY_EVENT, Interest
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.interfaces.event_bus import EventBusProtocol
from framework_m_core.registry.consumers import BUS
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry

__all__ = ["ConsumerRegistration"]


class ConsumerRegistration:
    """Stores the consumers of a registry, and that of the bus while it has subscribers."""

    def __init__(
        self, registry_handle: RegistryHandle, consumers: ConsumersProtocol, event_bus: EventBusProtocol, clock: Clock
    ) -> None:
        self._registry_handle = registry_handle
        self._consumers = consumers
        self._event_bus = event_bus
        self._clock = clock
        self._registered: tuple[Registry, bool] | None = None

    async def register(self, registry: Registry | None = None) -> Collection[str]:
        """Store what is new in a registry, by default the current one, and return the names of all its consumers.

        Each gets what is committed from then on.
        """
        registry, has_bus = registry or self._registry_handle.current, self._event_bus.has_subscribers
        interests = {name: one.interest for name, one in registry.consumers.items()}
        if has_bus:
            interests[BUS] = Interest([EVERY_EVENT])
        if (registry, has_bus) != self._registered:
            if interests:
                await self._consumers.register(interests, self._clock())
            self._registered = registry, has_bus
        return interests.keys()
