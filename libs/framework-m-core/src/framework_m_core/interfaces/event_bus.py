"""Port `EventBusProtocol`: carries events from the outbox relay to subscribers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.events import EVERY_EVENT, AnyEvent, Interest, is_pattern

__all__ = ["MAX_GROUP", "Delivery", "EventBusProtocol", "ParkedDelivery", "Subscriber", "check_group"]

type Subscriber = Callable[[AnyEvent], Awaitable[None]]
"""Called with one event at a time; returns once the event is handled, raises if it could not be."""

MAX_GROUP: Final = 100
"""The most characters of a group's name."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of a published event: settled, or failed and to be published again."""

    event_id: UUID
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class ParkedDelivery:
    """An event that a group has given up after too many failures, with the last error."""

    event_id: UUID
    topic: str
    key: str
    attempts: int
    error: str
    parked_at: datetime


def check_group(group: str, patterns: Sequence[str] = ()) -> Interest:
    """Return the interest of patterns, or in all events. Raises ConfigurationError for an invalid name or pattern."""
    if not (0 < len(group) <= MAX_GROUP and group.isascii() and group.replace("_", "").replace("-", "").isalnum()):
        raise ConfigurationError(
            f"expected the name of a group in ASCII letters, digits, '_' and '-', at most {MAX_GROUP}, got {group!r}"
        )
    for pattern in patterns:
        if not is_pattern(pattern):
            raise ConfigurationError(f"expected '*', 'app.*', 'type' or 'type:DocType', got {pattern!r}")
    return Interest(patterns or [EVERY_EVENT])


class EventBusProtocol(Protocol):
    """Connects the relay, the only publisher, with the subscribed groups.

    Contract: each group gets each event at least once; subscribers that must not act twice deduplicate by the event's
    id. A group gets the events of one key in order: an event whose subscriber raises is redelivered later, and until
    then the key's following events wait, but not those of other keys. After too many failures an event is parked for
    the group, with its error, and the key's following events continue. A failing group does not keep events from other
    groups; on a bus without storage, they wait with the key's following events.

    Nothing piles up in a process: a subscriber is called with one event after the other, and what it has not handled
    stays with the broker, or in the outbox. A bus that is full raises TransientError from `publish`, and drops nothing
    that a group has yet to handle before the adapter's stated retention.
    """

    @property
    def has_subscribers(self) -> bool:
        """Whether events reach anybody: always on a bus that stores them, else while a group is subscribed."""
        ...

    def publish(self, events: Sequence[AnyEvent]) -> AsyncGenerator[Delivery, None]:
        """Yield a delivery for each event once settled: stored by a broker, or else handled or parked by every group.

        The events are in order per key, and settled in that order. A delivery with an error is to be published again;
        later events of its key are neither published nor yielded. If the generator ends, is closed or raises part way,
        what it has yielded counts, and the others are published again, so they may be published twice; closing it stops
        the work. Raises TransientError while no event can be published: no failure is counted.
        """
        ...

    async def subscribe(self, group: str, subscriber: Subscriber, *patterns: str) -> None:
        """Deliver events to a subscriber from now on, until it is unsubscribed.

        Patterns are those of `Interest`, such as `doc.*`; without any, all events are delivered. On a bus that stores
        events, a group is durable: of its members in several processes one at a time gets its events, and it gets all
        events published after its first subscription, even while no member runs. Raises ConfigurationError if the group
        already has a subscriber in this process, or for a name or pattern that is invalid.
        """
        ...

    async def unsubscribe(self, group: str) -> None:
        """Stop delivering to a group in this process; on return its subscriber is idle and is not called again.

        A subscriber must not call this, as it would wait for itself. Does nothing for a group without a subscriber.
        """
        ...

    async def replay(self, group: str, since: datetime) -> None:
        """Deliver to a subscribed group again what it wants of all that was published since a time and is kept."""
        ...

    async def read_parked(self, group: str, limit: int = 100) -> Sequence[ParkedDelivery]:
        """Return parked events of a group, the oldest first."""
        ...

    async def retry(self, group: str, event_id: UUID | None = None) -> int:
        """Deliver parked events of a group, or one of them, once more; return their number.

        One that fails again is parked again. They are not in order with the later events of their keys.
        """
        ...

    async def drop(self, group: str, event_id: UUID | None = None) -> int:
        """Forget parked events of a group, or one of them, so that it never gets them; return their number."""
        ...

    async def remove(self, group: str) -> None:
        """Forget a group, its position and what it has parked; a later subscription begins anew.

        Raises ConfigurationError if the group has a subscriber in this process.
        """
        ...
