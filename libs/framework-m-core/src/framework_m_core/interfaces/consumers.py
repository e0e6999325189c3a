"""Port `ConsumersProtocol`: the durable progress of each consumer of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from framework_m_core.domain.events import Interest, StoredEvent

__all__ = [
    "ConsumerState",
    "ConsumersProtocol",
    "DueEvent",
    "ParkedEvent",
    "Progress",
    "SetAside",
    "compute_latest_end",
]


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event that was set aside and is due, with its number of failed deliveries."""

    event: StoredEvent
    attempts: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """An event that the cursor has passed and the consumer has not handled: in work, to be retried, or parked."""

    position: int
    key: str
    attempts: int = 0
    retry_at: datetime | None = None
    error: str | None = None
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of a consumer: its new cursor, events set aside, and earlier ones of those that it has handled."""

    cursor: int
    set_aside: Sequence[SetAside] = ()
    handled: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event that a consumer has given up, with the last error."""

    consumer: str
    event: StoredEvent
    attempts: int
    error: str | None


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """How far a consumer is: what waits and what is parked, and since when its oldest event waits."""

    name: str
    interest: Interest
    cursor: int
    leased: bool
    waiting: int
    parked: int
    waits_since: datetime | None


class ConsumersProtocol(Protocol):
    """The stored consumers. Each has a cursor: it has handled, or set aside, every event up to it.

    Contract: a registered consumer gets every event whose transaction commits after its registration; the first
    consumers of a store get those stored before, too. One holder has the lease of a consumer at a time, and only the
    holder saves progress. A lease that ends later than `compute_latest_end` is void, since the clock was set back. Each
    method raises TransientError while the store is unavailable.
    """

    async def register(self, interests: Mapping[str, Interest], now: datetime) -> None:
        """Store consumers that are not stored yet, each with its start position, and interests that have changed."""
        ...

    async def read_interests(self) -> Mapping[str, Interest]:
        """Return the stored interest of each consumer."""
        ...

    async def lease(self, name: str, holder: str, now: datetime, duration: timedelta) -> int | None:
        """Take the lease of a consumer and return its cursor.

        Return None while another holder's lease has not expired, and for a consumer that is not stored.
        """
        ...

    async def renew(self, name: str, holder: str, now: datetime, duration: timedelta) -> bool:
        """Renew the lease; return False if another holder has taken it since, or it was released."""
        ...

    async def release(self, name: str, holder: str) -> None:
        """Release the lease if this holder has it."""
        ...

    async def read_waiting(self, name: str) -> Sequence[tuple[int, str]]:
        """Return position and key of each event that is set aside and not parked."""
        ...

    async def read_due(self, name: str, now: datetime, limit: int) -> Sequence[DueEvent]:
        """Return events set aside that are due, in order, except those behind an earlier one of their key that is not.

        Parked events are not due and hold nothing back.
        """
        ...

    async def save(self, name: str, holder: str, progress: Progress) -> bool:
        """Save a step in one transaction; return False, saving nothing, if the holder no longer has the lease."""
        ...

    async def read_states(self, now: datetime, duration: timedelta) -> Sequence[ConsumerState]:
        """Return the state of each consumer, by name; `duration` is the length of a lease."""
        ...

    async def read_parked(self, name: str | None, limit: int) -> Sequence[ParkedEvent]:
        """Return parked events of one consumer or of all, the oldest first."""
        ...

    async def retry(self, name: str, position: int | None = None) -> int:
        """Make failed events of a consumer, or the one at a position, due now, and return their number.

        Those are the parked ones and those that wait for their next attempt; their failures are forgotten.
        """
        ...

    async def remove(self, name: str) -> bool:
        """Remove a consumer with its progress; return whether it was stored."""
        ...


def compute_latest_end(now: datetime, duration: timedelta) -> datetime:
    """Return the latest end that a lease of this length can have, clocks differing by no more than its length."""
    return now + 2 * duration
