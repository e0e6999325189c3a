"""`BrokerBus`: what event buses over brokers share: the groups of this process, and what is asked of any group."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.event_bus import ParkedDelivery, Subscriber, check_group
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.broker.group import StoredGroup
from framework_m_core.services.events.broker.reader import GroupReader, Retries

__all__ = ["BrokerBus"]

_STOP_TIMEOUT_SECONDS: Final = 3.0


class BrokerBus(ABC):
    """The part of `EventBusProtocol` that is the same for all brokers; an adapter adds `publish` and its groups."""

    def __init__(self, registry_handle: RegistryHandle, clock: Clock, retries: Retries | None = None) -> None:
        self._registry_handle = registry_handle
        self._clock = clock
        self._retries = retries or Retries()
        self._readers: dict[str, GroupReader] = {}

    @abstractmethod
    def _group(self, name: str) -> StoredGroup:
        """Return what the broker holds of a group."""

    @property
    def has_subscribers(self) -> bool:
        """Always, since groups of other processes get what is published."""
        return True

    async def close(self) -> None:
        """Stop delivering to all groups of this process."""
        readers, self._readers = [*self._readers.values()], {}
        await asyncio.gather(*(reader.stop(_STOP_TIMEOUT_SECONDS) for reader in readers))

    async def subscribe(self, group: str, subscriber: Subscriber, *patterns: str) -> None:
        """Deliver to a subscriber what its group has yet to handle, whenever this process has its lease."""
        interest = check_group(group, patterns)
        if group in self._readers:
            raise ConfigurationError(
                f"expected a group without a subscriber in this process, got {group!r}: choose another name"
            )
        stored = self._group(group)
        await stored.create()
        self._readers[group] = GroupReader(
            stored, subscriber, interest, self._registry_handle, self._clock, self._retries
        )

    async def unsubscribe(self, group: str) -> None:
        """Stop delivering to a group in this process, after the event that is being handled."""
        reader = self._readers.pop(group, None)
        if reader is not None:
            await reader.stop()

    async def replay(self, group: str, since: datetime) -> None:
        """Deliver again what was published since a time and is still in the stream."""
        await self._named(group).rewind(since)

    async def read_parked(self, group: str, limit: int = 100) -> Sequence[ParkedDelivery]:
        """Return parked events of a group, the oldest first."""
        return await self._named(group).read_parked(limit)

    async def retry(self, group: str, event_id: UUID | None = None) -> int:
        """Have the group's member deliver parked events once more; return their number."""
        return await self._named(group).retry(event_id)

    async def drop(self, group: str, event_id: UUID | None = None) -> int:
        """Forget parked events of a group; return their number."""
        return await self._named(group).drop(event_id)

    async def remove(self, group: str) -> None:
        """Forget a group, its position and what it has parked."""
        if group in self._readers:
            raise ConfigurationError(f"expected a group without a subscriber, got {group!r}: unsubscribe it first")
        await self._named(group).forget()

    def _named(self, group: str) -> StoredGroup:
        check_group(group)
        return self._group(group)
