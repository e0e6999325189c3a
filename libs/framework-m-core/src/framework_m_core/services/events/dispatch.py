"""`EventDispatch`: runs the functions of a consumer for an event."""

from __future__ import annotations

import asyncio
import logging

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.controllers.event_handler import EventHandler
from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import RequestContext, system_context
from framework_m_core.domain.events import AnyEvent, StoredEvent
from framework_m_core.domain.log_context import LogContext, bound_log_context
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.runtime.injection import NO_INJECTION, Injector

__all__ = ["EventDispatch", "UnknownEventTypeError", "known_event"]

_log = logging.getLogger(__name__)


class UnknownEventTypeError(Exception):
    """An event is of a type that this process does not know: of a later version, or of an app that is not loaded."""


def known_event(registry: Registry, stored: StoredEvent) -> AnyEvent:
    """Return what is stored as an event of its type. Raises UnknownEventTypeError."""
    event = registry.event(stored)
    if event is None:
        raise UnknownEventTypeError(f"this process knows no event type {stored.type!r}")
    return event


class EventDispatch:
    """Delivery of events to the apps' `@on` handlers and `@consumer` functions, as the system."""

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

    def is_wanted(self, consumer: str, topic: str) -> bool:
        """Return whether a consumer wants events of a topic; an unknown type is wanted, so that it is not skipped."""
        registry = self._registries.current
        known = registry.consumers.get(consumer)
        return known is not None and (known.interest.covers(topic) or not registry.knows(topic.partition(":")[0]))

    async def deliver(self, consumer: str, stored: StoredEvent) -> None:
        """Run the functions of a consumer in declared order; log and re-raise the error of the first that fails.

        A function also fails when it exceeds the time limit or awaits something that was cancelled. Raises
        UnknownEventTypeError.
        """
        registry = self._registries.current
        event = known_event(registry, stored)
        known = registry.consumers.get(consumer)
        for function in known.functions_for(event.topic) if known else ():
            context = self._context(event, registry)
            with bound_log_context(_log_context(context, event)):
                try:
                    await self._call(function, event, context)
                except ConsumerUnavailableError:
                    raise
                except Exception:
                    _log.exception("event handler of %s failed", event.topic)
                    raise

    async def _call(self, handler: EventHandler, event: AnyEvent, context: RequestContext) -> None:
        client = self._documents.client_for(context)
        try:
            async with asyncio.timeout(self._seconds) as limit:
                await handler(event, client, **self._injector.arguments(context, handler))
        except TimeoutError as error:
            if not limit.expired():
                raise
            message = f"the event handler took longer than [framework] handler_timeout_seconds = {self._seconds:g}"
            raise TimeoutError(message) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise RuntimeError("the event handler awaited a cancelled task") from error

    def _context(self, event: AnyEvent, registry: Registry) -> RequestContext:
        context = system_context(f"handler of {event.topic}", source="event", clock=self._clock)
        return RequestContext(
            principal=context.principal,
            tenant=event.tenant,
            source="event",
            clock=self._clock,
            correlation_id=event.correlation_id,
            causation_id=event.id,
            registry=registry,
        )


def _log_context(context: RequestContext, event: AnyEvent) -> LogContext:
    """Return the log context of a handler: it logs the event's actor, although the handler acts as the system."""
    return LogContext(
        source="event",
        request_id=context.request_id,
        user_id=event.actor,
        tenant=event.tenant,
        correlation_id=event.correlation_id,
        causation_id=event.id,
    )
