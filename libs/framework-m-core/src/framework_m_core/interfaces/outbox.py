"""Port `OutboxProtocol`: events that wait, in the store that caused them, until the bus has taken them over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from framework_m_core.domain.events import DomainEvent

__all__ = ["OutboxProtocol", "OutboxRow"]


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event with its place in the box and how often its delivery has failed."""

    position: int
    event: DomainEvent
    attempts: int


class OutboxProtocol(Protocol):
    """The relay's side of the outbox; rows are appended by the unit of work alone.

    Contract: events of one document appear in their order; an event is handed out until it is marked, so delivery
    is at least once; one holder has the lease at a time. An event that nobody handles is stored as delivered, so the
    bus never sees it.
    """

    async def lease(self, holder: str, now: datetime, duration: timedelta) -> bool:
        """Takes or renews the relay's lease; False while another holder's has not run out."""
        ...

    async def is_leased(self, now: datetime) -> bool:
        """Return whether a holder has the lease at a moment, so that events are being relayed."""
        ...

    async def release(self, holder: str) -> None:
        """Gives the lease up, if this holder has it."""
        ...

    async def pending(self, now: datetime, limit: int) -> Sequence[OutboxRow]:
        """Undelivered events that are due, in order; none of a document whose earlier event waits for a retry."""
        ...

    async def mark_published(self, positions: Sequence[int], now: datetime) -> None:
        """Settles delivered events."""
        ...

    async def mark_failed(self, position: int, error: str, retry_at: datetime | None) -> None:
        """Counts a failed delivery; without `retry_at` the event is given up and kept for inspection."""
        ...

    async def prune(self, before: datetime) -> int:
        """Removes events delivered before a moment; returns how many."""
        ...
