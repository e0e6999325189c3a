"""Port `OutboxProtocol`: events waiting in the store that caused them until the bus has accepted them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from framework_m_core.domain.events import DomainEvent

__all__ = ["OutboxProtocol", "OutboxRow"]


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event with its position in the outbox and its number of failed deliveries."""

    position: int
    event: DomainEvent
    attempts: int


class OutboxProtocol(Protocol):
    """The relay's side of the outbox; only the unit of work appends rows.

    Contract: events of one document appear in order; an event is returned until it is marked, so delivery is at least
    once; one holder has the lease at a time. An event without a handler is stored as delivered, so the bus never sees
    it.
    """

    async def lease(self, holder: str, now: datetime, duration: timedelta) -> bool:
        """Take or renew the relay's lease; return False while another holder's lease has not expired."""
        ...

    async def is_leased(self, now: datetime) -> bool:
        """Return whether any holder has the lease at `now`, so that events are being relayed."""
        ...

    async def release(self, holder: str) -> None:
        """Release the lease if this holder has it."""
        ...

    async def pending(self, now: datetime, limit: int) -> Sequence[OutboxRow]:
        """Return due undelivered events in order, except those behind an earlier event of their document in retry."""
        ...

    async def mark_published(self, positions: Sequence[int], now: datetime) -> None:
        """Mark events as delivered."""
        ...

    async def mark_failed(self, position: int, error: str, retry_at: datetime | None) -> None:
        """Record a failed delivery; without `retry_at`, give the event up and keep it for inspection."""
        ...

    async def prune(self, before: datetime) -> int:
        """Delete events delivered before a time and return their number."""
        ...
