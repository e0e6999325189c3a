"""`MemoryEventBus`: port `EventBusProtocol` in one process. It stores nothing: the outbox keeps unhandled events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from framework_m_core.domain.errors import ConfigurationError, TransientError
from framework_m_core.domain.events import AnyEvent
from framework_m_core.interfaces.event_bus import Delivery, Subscriber

__all__ = ["MemoryEventBus"]


class MemoryEventBus:
    """A bus that handles events when they are published, one at a time, by each group in order of subscription."""

    def __init__(self) -> None:
        self._subscribers: dict[str, Subscriber] = {}
        self._turn = asyncio.Lock()

    @property
    def has_subscribers(self) -> bool:
        """Whether a group is subscribed in this process."""
        return bool(self._subscribers)

    async def publish(self, events: Sequence[AnyEvent]) -> AsyncGenerator[Delivery, None]:
        """Deliver each event when its delivery is requested. Raises TransientError if there is no subscriber.

        After an error, further events of the same key are skipped.
        """
        held_back: set[str] = set()
        for event in events:
            if event.key not in held_back:
                error = await self._hand_over(event)
                if error is not None:
                    held_back.add(event.key)
                yield Delivery(event.id, error)

    async def subscribe(self, group: str, subscriber: Subscriber) -> None:
        """Subscribe a group. Raises ConfigurationError if the group already has a subscriber."""
        if group in self._subscribers:
            raise ConfigurationError(
                f"expected a group without a subscriber in this process, got {group!r}: choose another name"
            )
        self._subscribers[group] = subscriber

    async def unsubscribe(self, group: str) -> None:
        """Remove a group's subscriber once the current event has been handled."""
        async with self._turn:
            self._subscribers.pop(group, None)

    async def _hand_over(self, event: AnyEvent) -> Exception | None:
        """Let every group handle an event, and return the error, if any."""
        async with self._turn:
            if not self._subscribers:
                raise TransientError("the event bus of this process has no subscriber: events stay in the outbox")
            errors: list[Exception] = []
            for subscriber in tuple(self._subscribers.values()):
                try:
                    await subscriber(event)
                except Exception as error:
                    errors.append(error)
        if len(errors) > 1:
            return ExceptionGroup("several groups failed", errors)
        return errors[0] if errors else None
