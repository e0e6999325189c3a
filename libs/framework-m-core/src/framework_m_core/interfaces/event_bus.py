"""Port `EventBusProtocol`: carries events from the outbox relay to subscribers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from framework_m_core.domain.events import AnyEvent

__all__ = ["Delivery", "EventBusProtocol", "Subscriber"]

type Subscriber = Callable[[AnyEvent], Awaitable[None]]
"""Called with one event at a time; returns once the event is handled, raises if it could not be."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of a published event: settled, or failed and to be published again."""

    event_id: UUID
    error: Exception | None = None


class EventBusProtocol(Protocol):
    """Connects the relay, the only publisher, with the subscribed groups.

    Contract: each group gets each event at least once; subscribers that must not act twice deduplicate by the event's
    id. A group gets the events of one key in order: an event whose subscriber raises is redelivered later, and until
    then the key's following events wait, but not those of other keys. A failing group does not keep events from other
    groups; on a bus without storage, they get the event again too and wait with the key's following events.
    """

    @property
    def has_subscribers(self) -> bool:
        """Whether events reach anybody: always on a bus that stores them, else while a group is subscribed."""
        ...

    def publish(self, events: Sequence[AnyEvent]) -> AsyncGenerator[Delivery, None]:
        """Yield a delivery for each event once settled: stored by a broker, or handled by every group without one.

        A delivery with an error is to be published again; later events of its key are neither published nor
        yielded. Events not yielded when the generator ends, is closed or raises are published again; closing it stops
        the work. Raises TransientError while no event can be published.
        """
        ...

    async def subscribe(self, group: str, subscriber: Subscriber) -> None:
        """Deliver events to a subscriber from now on, until it is unsubscribed.

        On a bus that stores events, a group is durable: its members in several processes share its events, and it gets
        all events published after its first subscription, even while no member runs. Raises ConfigurationError if the
        group already has a subscriber in this process.
        """
        ...

    async def unsubscribe(self, group: str) -> None:
        """Stop delivering to a group in this process; on return its subscriber is idle and is not called again.

        A subscriber must not call this, as it would wait for itself. Does nothing for a group without a subscriber.
        """
        ...
