"""`EventDispatch`: runs the functions of a consumer for an event."""

from __future__ import annotations

import asyncio
import logging

from framework_m_core.controllers.consumer import ConsumerUnavailableError
from framework_m_core.controllers.event_handler import EventHandler
from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import EVENT, RequestContext, make_system_principal
from framework_m_core.domain.errors import EntityNotFoundError
from framework_m_core.domain.events import AnyEvent, DocDeleted, DomainEvent, StoredEvent
from framework_m_core.domain.log_context import LogContext, bind_log_context
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.events.limits import EventLimits
from framework_m_core.services.runtime.injection import Injector

__all__ = ["EventDispatch", "StaleRegistryError", "UnknownEventTypeError", "restore_event"]

_log = logging.getLogger(__name__)


class UnknownEventTypeError(Exception):
    """An event is of a type that this process does not know: of a later version, or of an app that is not loaded."""


class StaleRegistryError(Exception):
    """The store says that a consumer wants an event, and this process's registry does not: it has not followed yet."""


def restore_event(registry: Registry, stored: StoredEvent) -> AnyEvent:
    """Return what is stored as an event of its type. Raises UnknownEventTypeError."""
    event = registry.decode_event(stored)
    if event is None:
        raise UnknownEventTypeError(f"this process knows no event type {stored.type!r}")
    return event


class EventDispatch:
    """Delivery of events to the apps' `@on` handlers and `@consumer` functions, as the system."""

    def __init__(
        self,
        registry_handle: RegistryHandle,
        documents: DocumentService,
        consumers: ConsumersProtocol,
        clock: Clock,
        injector: Injector,
        event_limits: EventLimits,
    ) -> None:
        """Create a dispatch whose handlers may each take `seconds`."""
        self._registry_handle = registry_handle
        self._documents = documents
        self._consumers = consumers
        self._clock = clock
        self._injector = injector
        self._seconds = event_limits.handler_timeout_seconds

    def is_wanted(self, consumer: str, topic: str) -> bool:
        """Return whether the current registry's consumer wants events of a topic.

        An unknown type is wanted, so that it is not skipped.
        """
        registry = self._registry_handle.current
        known = registry.consumers.get(consumer)
        return known is not None and (known.interest.covers(topic) or not registry.knows(topic.partition(":")[0]))

    async def deliver(self, consumer: str, stored: StoredEvent) -> None:
        """Run the functions of a consumer in declared order; log and re-raise the error of the first that fails.

        If the event's own document has been deleted, the event counts as handled.

        A function also fails when it exceeds the time limit or awaits something that was cancelled. Raises
        UnknownEventTypeError and StaleRegistryError.
        """
        registry = self._registry_handle.current
        event = restore_event(registry, stored)
        known = registry.consumers.get(consumer)
        if known is None or not known.interest.covers(event.topic):
            await self._require_unwanted(consumer, event.topic)
        for function in known.find_functions(event.topic) if known else ():
            context = self._context(event, registry)
            with bind_log_context(_log_context(context, event)):
                try:
                    await self._call(function, event, context)
                except ConsumerUnavailableError:
                    raise
                except Exception as error:
                    if _is_gone(event, error):
                        _log.info("event handler of %s ended: its document is deleted", event.topic)
                        continue
                    _log.exception("event handler of %s failed", event.topic)
                    raise

    async def _require_unwanted(self, consumer: str, topic: str) -> None:
        """Raise StaleRegistryError if the stored interest of a consumer covers a topic."""
        stored = (await self._consumers.read_interests()).get(consumer)
        if stored is not None and stored.covers(topic):
            raise StaleRegistryError(
                f"consumer {consumer} wants {topic}, which the registry of this process does not say"
            )

    async def _call(self, handler: EventHandler, event: AnyEvent, context: RequestContext) -> None:
        client = self._documents.client_for(context)
        try:
            async with asyncio.timeout(self._seconds) as limit:
                await handler(event, client, **self._injector.resolve_arguments(context, handler))
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
        return self._registry_handle.make_context(
            make_system_principal(f"handler of {event.topic}"),
            tenant=event.tenant,
            source=EVENT,
            clock=self._clock,
            correlation_id=event.correlation_id,
            causation_id=event.id,
            registry=registry,
        )


def _is_gone(event: AnyEvent, error: Exception) -> bool:
    """Return whether an error says that the event's document, which it still had when it happened, does not exist."""
    if not isinstance(error, EntityNotFoundError) or not isinstance(event, DomainEvent) or type(event) is DocDeleted:
        return False
    named = error.details.get("doctype"), error.details.get("ref")
    return named == (event.doctype, str(event.document_id))


def _log_context(context: RequestContext, event: AnyEvent) -> LogContext:
    """Return the log context of a handler: it logs the event's actor, although the handler acts as the system."""
    return LogContext(
        source=EVENT,
        request_id=context.request_id,
        user_id=event.actor,
        tenant=event.tenant,
        correlation_id=event.correlation_id,
        causation_id=event.id,
    )
