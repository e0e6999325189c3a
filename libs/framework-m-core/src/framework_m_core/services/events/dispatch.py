"""`EventDispatch`: runs the app's `@on` handlers for each event that the bus delivers."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from framework_m_core.controllers.event_handler import EventHandler
from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import RequestContext, system_context
from framework_m_core.domain.events import DomainEvent
from framework_m_core.domain.log_context import LogContext, bound_log_context
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.runtime.injection import NO_INJECTION, Injector

__all__ = ["HANDLERS", "EventDispatch"]

_log = logging.getLogger(__name__)

HANDLERS: Final = "handlers"
"""The subscriber group of the handlers; brokers store the name, so it must not change."""


class EventDispatch:
    """The subscriber for the group `handlers`."""

    def __init__(
        self,
        registries: RegistryHandle,
        documents: DocumentService,
        clock: Clock,
        seconds: float,
        injector: Injector = NO_INJECTION,
    ) -> None:
        """Create a dispatch whose handlers may each take `seconds`."""
        self._registries = registries
        self._documents = documents
        self._clock = clock
        self._injector = injector
        self._seconds = seconds

    async def handle(self, event: DomainEvent) -> None:
        """Run the handlers of an event in declared order; log and re-raise the error of the first that fails.

        A handler also fails when it exceeds the time limit or awaits something that was cancelled.
        """
        registry = self._registries.current
        for handler in registry.handlers_of(event.doctype, event.type):
            context = self._context(event, registry)
            with bound_log_context(_log_context(context, event)):
                try:
                    await self._call(handler, event, context)
                except Exception:
                    _log.exception("a handler of %s.%s failed", event.doctype, event.type)
                    raise

    async def _call(self, handler: EventHandler, event: DomainEvent, context: RequestContext) -> None:
        door = self._documents.client_for(context)
        try:
            async with asyncio.timeout(self._seconds) as limit:
                await handler(event, door, **self._injector.arguments(context, handler))
        except TimeoutError as error:
            if not limit.expired():
                raise
            message = f"the handler took longer than [framework] handler_timeout_seconds = {self._seconds:g}"
            raise TimeoutError(message) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise RuntimeError("the handler waited for something that was cancelled") from error

    def _context(self, event: DomainEvent, registry: Registry) -> RequestContext:
        context = system_context(f"handler of {event.doctype}.{event.type}", source="event", clock=self._clock)
        return RequestContext(
            principal=context.principal,
            tenant=event.tenant,
            source="event",
            clock=self._clock,
            correlation_id=event.correlation_id,
            causation_id=event.id,
            registry=registry,
        )


def _log_context(context: RequestContext, event: DomainEvent) -> LogContext:
    """Return the log context of a handler: it logs the event's actor, although the handler acts as the system."""
    return LogContext(
        source="event",
        request_id=context.request_id,
        user_id=event.actor,
        tenant=event.tenant,
        correlation_id=event.correlation_id,
        causation_id=event.id,
    )
