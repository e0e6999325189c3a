"""`BrokerGroup`: what a broker holds of a group, as the reader of the group needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from framework_m_core.domain.errors import RepositoryError, TransientError
from framework_m_core.domain.events import StoredEvent
from framework_m_core.interfaces.event_bus import ParkedDelivery

__all__ = ["BrokerGroup", "Entries", "Failures", "LeaseLostError", "Retried", "StoredGroup"]

type Entries = Sequence[tuple[str, bytes | None]]
"""Ids of entries with their encoded events; one that is no longer kept is None."""


class LeaseLostError(TransientError):
    """Another process has the lease of the group."""


@dataclass(frozen=True, slots=True)
class Failures:
    """How often an entry has failed, and when it is due again, in seconds since 1970."""

    attempts: int
    due: float


@dataclass(frozen=True, slots=True)
class Retried:
    """A parked event that is to be delivered once more, by its id."""

    id: str
    encoded: bytes
    attempts: int


class BrokerGroup(Protocol):
    """A group of one broker. One process has its lease; only that one reads, and writes what it has read.

    An entry stays the group's until it is acknowledged or parked, whoever reads. Raises LeaseLostError where it shows
    that another process has the lease, TransientError while the broker is unavailable.
    """

    @property
    def name(self) -> str:
        """The name of the group."""
        ...

    async def lease(self, duration: timedelta) -> bool:
        """Take or renew the lease; return False if another process has it, or may have had it since `begin`.

        In the latter case the holder releases it and begins anew, since what it knows of the group may be out of date.
        """
        ...

    async def release(self) -> None:
        """Give the lease back, if it is held."""
        ...

    async def begin(self) -> Mapping[str, Failures]:
        """Begin to read as the holder; return the entries that have failed."""
        ...

    async def read_left(self, after: str, count: int) -> Entries:
        """Return entries after one, or `0`, that a former holder has read and not settled, in order."""
        ...

    async def read_new(self, count: int, seconds: float) -> Entries:
        """Return entries that nobody has read, waiting some seconds for one."""
        ...

    async def read_entry(self, entry: str) -> bytes | None:
        """Return one entry, unless it is no longer kept."""
        ...

    async def acknowledge(self, *entries: str) -> None:
        """Note that entries are handled."""
        ...

    async def set_back(self, entry: str, encoded: bytes, failures: Failures) -> None:
        """Note that an entry waits: it has failed, or is behind one of its key that has; then it has no failures."""
        ...

    async def park(
        self, entry: str, event: StoredEvent, encoded: bytes, attempts: int, error: str, now: datetime
    ) -> bool:
        """Give up an event; return False if too many are parked.

        Without an entry, the event was retried; it keeps its place among the parked.
        """
        ...

    async def read_retried(self) -> Sequence[Retried]:
        """Return some of the parked events that are to be delivered once more."""
        ...

    async def unpark(self, event_id: str) -> None:
        """Note that an event that was retried is handled."""
        ...

    async def recover(self, error: RepositoryError) -> None:
        """Recreate what an error says the broker has lost."""
        ...


class StoredGroup(BrokerGroup, Protocol):
    """A group as its bus needs it; any process may ask this of it."""

    async def create(self) -> None:
        """Create the group, unless it exists, so that it gets what is published from now on."""
        ...

    async def read_parked(self, limit: int) -> Sequence[ParkedDelivery]:
        """Return what is parked, the oldest first."""
        ...

    async def retry(self, event_id: UUID | None) -> int:
        """Have one parked event, or all, delivered once more; return their number."""
        ...

    async def drop(self, event_id: UUID | None) -> int:
        """Forget one parked event, or all; return their number."""
        ...

    async def rewind(self, since: datetime) -> None:
        """Have what was published since a time delivered again; a group is never moved forward."""
        ...

    async def forget(self) -> None:
        """Remove the group with all that there is of it."""
        ...
