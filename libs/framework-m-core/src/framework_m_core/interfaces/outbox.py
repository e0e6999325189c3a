"""Port `OutboxProtocol`: the events of a store, in the order in which consumers get them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from framework_m_core.domain.events import StoredEvent

__all__ = ["EventBatch", "OutboxProtocol"]


@dataclass(frozen=True, slots=True)
class EventBatch:
    """The wanted events of a stretch of the outbox, the position it ends at, and whether there may be more after it."""

    events: Sequence[StoredEvent]
    upto: int
    more: bool


class OutboxProtocol(Protocol):
    """The events of a store; only the unit of work appends them.

    Contract: an event that has been read has no event before it that appears only later, however long its transaction
    took; events of one document are in the order of its changes. Every event is kept until it is pruned. Event types
    that an earlier version stored have their present names.
    """

    async def read(self, after: int, limit: int, wanted: Callable[[str], bool]) -> EventBatch:
        """Return the events after a position whose topic is wanted, looking at `limit` events."""
        ...

    async def prune(self, before: datetime) -> int:
        """Delete events older than a time that no consumer has before it or has parked, and return their number."""
        ...
