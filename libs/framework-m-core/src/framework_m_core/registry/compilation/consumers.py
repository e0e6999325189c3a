"""Checks `@on` handlers and `@consumer` functions, and compiles them into consumers of events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from framework_m_core.controllers.consumer import ConsumerMark
from framework_m_core.controllers.declaration import declaration_of, declarations_of
from framework_m_core.controllers.event_handler import EventHandler, HandlerMark
from framework_m_core.controllers.event_type import EventTypeMark
from framework_m_core.domain.events import DOC_EVENTS, DomainEvent, Interest, is_event_type, is_pattern, topic_of
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.compilation.checks.classes import check_handler
from framework_m_core.registry.compilation.errors import ReportError
from framework_m_core.registry.consumers import BUS, CompiledConsumer, handlers_name_of
from framework_m_core.registry.dependencies import Dependencies

__all__ = ["compile_consumers"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class _Known:
    """What may be named: DocTypes, and event types, those with errors of their own included."""

    doctypes: Mapping[str, Any]
    types: Mapping[str, EventTypeMark]
    payloads: Mapping[type[BaseModel], EventTypeMark]

    def topic(self, mark: HandlerMark) -> str:
        """Return the topic of a valid mark."""
        if issubclass(mark.event, DomainEvent):
            return topic_of(mark.event.type, mark.doctype or "")
        declared = self.payloads[mark.event]
        return topic_of(declared.name, declared.doctype or "")

    def errors_of(self, mark: HandlerMark) -> Iterator[str]:
        """Yield an error for each argument of `@on` that names nothing declared."""
        doctype: object = mark.doctype
        event: object = mark.event
        if doctype is None:
            if not any(model is event for model in self.payloads):
                yield f"@on takes a DocType's name and an event class, or a model with @event_type, got {event!r}"
            return
        if not isinstance(doctype, str):
            yield f"@on takes the DocType's name: write {getattr(doctype, '__name__', '?')!r} instead of the class"
        elif doctype not in self.doctypes:
            yield f"@on names {doctype!r}, not a DocType{did_you_mean(doctype, self.doctypes)}"
        if not (isinstance(event, type) and issubclass(event, DomainEvent)):
            yield f"@on takes an event class such as DocSubmitted, got {event!r}"

    def errors_of_consumer(self, mark: ConsumerMark) -> Iterator[str]:
        """Yield an error for a name or a topic of `@consumer` that cannot be used."""
        if _NAME.fullmatch(mark.name) is None or mark.name == BUS:
            yield f"@consumer takes a unique name in lower case, such as 'acme_search', got {mark.name!r}"
        if not mark.topics:
            yield "@consumer takes topics, such as '*' or 'doc.created:Order'"
        for topic in mark.topics:
            if not isinstance(topic, str):
                yield f"@consumer takes topics as text, such as 'shop.order_shipped', got {topic!r}"
                continue
            kind, _, doctype = topic.partition(":")
            is_misnamed = kind in self.types and not is_event_type(kind)
            if not is_misnamed and not is_pattern(topic):
                yield f"@consumer takes '*', 'app.*', 'type' or 'type:DocType', got {topic!r}"
            elif not kind.endswith("*") and kind not in self.types and kind not in DOC_EVENTS:
                yield f"no event type {kind!r} is declared{did_you_mean(kind, [*self.types, *DOC_EVENTS])}"
            elif doctype and doctype not in self.doctypes:
                yield f"{topic!r} names no DocType{did_you_mean(doctype, self.doctypes)}"


def compile_consumers(
    handlers: Iterable[tuple[EventHandler, str]],
    consumers: Iterable[EventHandler],
    doctypes: Mapping[str, Any],
    payloads: Iterable[type[BaseModel]],
    dependencies: Mapping[Any, Dependencies],
    report_error: ReportError,
) -> dict[str, CompiledConsumer]:
    """Return all consumers by name; invalid declarations are recorded as errors and left out."""
    marks = {model: declared for model in payloads if (declared := declaration_of(model, EventTypeMark)) is not None}
    known = _Known(doctypes, {mark.name: mark for mark in marks.values()}, marks)
    found = {one.name: one for one in _handler_consumers(known, handlers, dependencies, report_error)}
    functions: dict[str, EventHandler] = {}
    for function in consumers:
        mark = declaration_of(function, ConsumerMark)
        if mark is None:
            report_error(function, "it is not declared as a consumer: decorate it with @consumer")
            continue
        errors = [*known.errors_of_consumer(mark), *check_handler(function, dependencies.get(function, {}))]
        if functions.setdefault(mark.name, function) is not function:
            errors.append(f"another function is the consumer {mark.name!r}: choose another name")
        for error in errors:
            report_error(function, error)
        if not errors:
            found[mark.name] = CompiledConsumer(mark.name, Interest(mark.topics), {"*": (function,)})
    return found


def _handler_consumers(
    known: _Known,
    handlers: Iterable[tuple[EventHandler, str]],
    dependencies: Mapping[Any, Dependencies],
    report_error: ReportError,
) -> Iterator[CompiledConsumer]:
    """Yield a consumer for each app with handlers."""
    found: dict[str, dict[str, tuple[EventHandler, ...]]] = {}
    for function, app in handlers:
        for error in check_handler(function, dependencies.get(function, {})):
            report_error(function, error)
        topics = found.setdefault(app, {})
        for mark in declarations_of(function, HandlerMark):
            errors = list(known.errors_of(mark))
            for error in errors:
                report_error(function, error)
            if not errors:
                topic = known.topic(mark)
                topics[topic] = (*topics.get(topic, ()), function)
    for app, topics in found.items():
        yield CompiledConsumer(handlers_name_of(app), Interest(topics), topics)
