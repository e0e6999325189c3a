"""Port `EventBusProtocol`: carries events from the outbox relay to those who subscribe."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from framework_m_core.domain.events import DomainEvent

__all__ = ["Delivery", "EventBusProtocol", "Subscriber"]

type Subscriber = Callable[[DomainEvent], Awaitable[None]]
"""Called with one event after the other; it returns when it has handled the event, and raises when it has not."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a published event: it is settled, or it failed and is to be published again."""

    event_id: UUID
    error: Exception | None = None


class EventBusProtocol(Protocol):
    """Between the relay, which alone publishes, and the groups that subscribe. The outbox decides what is published.

    Contract: each group gets each event at least once; whoever must not act twice deduplicates by the event's id. A
    group gets the events of one document in their order: one that its subscriber raises for comes again later, and
    until then the document's following ones wait, those of other documents do not. One group's failure keeps no event
    from another; where nothing is stored, the other gets it again too, and waits with the document's following ones.
    """

    def publish(self, events: Sequence[DomainEvent]) -> AsyncGenerator[Delivery, None]:
        """Tells of each event once it is settled: kept by a broker, or handled by every group where nothing is kept.

        A delivery with an error is to be published again; the later events of its document are left out of the answer,
        untouched. What it has not told of when it ends, is closed or raises, is published again: closing it stops the
        work. Raises TransientError while no event can be published.
        """
        ...

    async def subscribe(self, group: str, subscriber: Subscriber) -> None:
        """Feeds a subscriber from now on, until it is unsubscribed.

        A group is durable where events are stored: its members in several processes share its events, and it has those
        that are published after it was first subscribed, whether a member runs then or not. Raises ConfigurationError
        when the group has a subscriber in this process.
        """
        ...

    async def unsubscribe(self, group: str) -> None:
        """Stops feeding a group here; on return its subscriber handles nothing, and is not called again.

        Not to be called by a subscriber, which it would wait for. A group without one is left alone.
        """
        ...
