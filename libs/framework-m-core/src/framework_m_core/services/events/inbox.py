"""`Inbox`: handles an event of the bus once, as far as documents are concerned, however often it is delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import EVENT, RequestContext, make_system_principal
from framework_m_core.domain.events import AnyEvent
from framework_m_core.interfaces.event_bus import Subscriber
from framework_m_core.interfaces.idempotency import IdempotencyProtocol, StoredResponse
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.events.limits import EventLimits
from framework_m_core.services.runtime.retry import retry

__all__ = ["Inbox"]


class Inbox:
    """Subscribers whose document writes are stored together with the fact that they have handled the event.

    What else a handler does, such as calling another system, may be done more than once.
    """

    def __init__(
        self,
        registry_handle: RegistryHandle,
        unit_of_work: UnitOfWorkFactoryProtocol,
        documents: DocumentService,
        idempotency: IdempotencyProtocol,
        clock: Clock,
        event_limits: EventLimits,
    ) -> None:
        """Create an inbox that knows what was handled for as long as events are kept."""
        self._registry_handle = registry_handle
        self._units = unit_of_work
        self._documents = documents
        self._idempotency = idempotency
        self._clock = clock
        self._keep = event_limits.retention

    def wrap_once(self, group: str, handler: Callable[[AnyEvent, DocumentClient], Awaitable[None]]) -> Subscriber:
        """Return a subscriber for a group that runs a handler in one unit of work, and skips what it has handled."""

        async def subscriber(event: AnyEvent) -> None:
            await retry(lambda: self._handle(group, event, handler))

        return subscriber

    async def _handle(
        self, group: str, event: AnyEvent, handler: Callable[[AnyEvent, DocumentClient], Awaitable[None]]
    ) -> None:
        key = hashlib.sha256(f"inbox:{group}:{event.id}".encode()).hexdigest()
        context = self._context(group, event)
        if await self._idempotency.find(context, key) is not None:
            return
        async with self._units(context) as unit:
            await handler(event, self._documents.client_for(context.within(unit)))
            unit.remember(StoredResponse(key, "", 204, b"", None, None, self._clock() + self._keep))
            await unit.commit()

    def _context(self, group: str, event: AnyEvent) -> RequestContext:
        return self._registry_handle.make_context(
            make_system_principal(f"{group} handles {event.topic}"),
            tenant=event.tenant,
            source=EVENT,
            clock=self._clock,
            correlation_id=event.correlation_id,
            causation_id=event.id,
        )
