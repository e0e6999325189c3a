"""`CompiledConsumer`: what a consumer wants and runs: an app's `@on` handlers, or one `@consumer` function."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from framework_m_core.controllers.consumer import ConsumerMark, consumer_mark
from framework_m_core.controllers.event_handler import EventHandler, HandlerMark, handler_marks
from framework_m_core.domain.events import DOC_EVENTS, DomainEvent, Interest, is_pattern, topic_of
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.class_checks import check_handler
from framework_m_core.registry.dependencies import Dependencies
from framework_m_core.registry.events.event_types import EventType, Problem

__all__ = ["BUS", "CompiledConsumer", "compile_consumers", "handlers_name"]

BUS: Final = "bus"
"""The consumer that feeds the event bus; stores keep the name, so it must not change."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*")


def handlers_name(app: str) -> str:
    """Return the name of the consumer that runs an app's handlers; stores keep it, so it must not change."""
    return f"{app}.handlers"


@dataclass(frozen=True, slots=True)
class CompiledConsumer:
    """A consumer by its name: the topics it wants, and the functions for each; `*` stands for all wanted topics."""

    name: str
    interest: Interest
    functions: Mapping[str, tuple[EventHandler, ...]]

    def functions_for(self, topic: str) -> tuple[EventHandler, ...]:
        """Return the functions to call for an event of this topic, in order of declaration."""
        if not self.interest.covers(topic):
            return ()
        return self.functions.get(topic) or self.functions.get("*", ())


@dataclass(frozen=True, slots=True)
class _Known:
    doctypes: Mapping[str, Any]
    types: Mapping[str, EventType]

    def topic(self, mark: HandlerMark) -> str:
        """Return the topic of a mark without faults."""
        if issubclass(mark.event, DomainEvent):
            return topic_of(mark.event.type, mark.doctype or "")
        (declared,) = (one for one in self.types.values() if one.model is mark.event)
        return topic_of(declared.name, declared.doctype)

    def faults_of(self, mark: HandlerMark) -> Iterator[str]:
        """Yield an error for each argument of `@on` that names nothing declared."""
        doctype: object = mark.doctype
        event: object = mark.event
        if doctype is None:
            if not any(one.model is event for one in self.types.values()):
                yield f"@on takes a DocType's name and an event class, or a model with @event_type, got {event!r}"
            return
        if not isinstance(doctype, str):
            yield f"@on takes the DocType's name: write {getattr(doctype, '__name__', '?')!r} instead of the class"
        elif doctype not in self.doctypes:
            yield f"@on names {doctype!r}, not a DocType{did_you_mean(doctype, self.doctypes)}"
        if not (isinstance(event, type) and issubclass(event, DomainEvent)):
            yield f"@on takes an event class such as DocSubmitted, got {event!r}"

    def faults_of_consumer(self, mark: ConsumerMark) -> Iterator[str]:
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
            if not is_pattern(topic):
                yield f"@consumer takes '*', 'app.*', 'type' or 'type:DocType', got {topic!r}"
            elif not kind.endswith("*") and kind not in self.types and kind not in DOC_EVENTS:
                yield f"no event type {kind!r} is declared{did_you_mean(kind, [*self.types, *DOC_EVENTS])}"
            elif doctype and doctype not in self.doctypes:
                yield f"{topic!r} names no DocType{did_you_mean(doctype, self.doctypes)}"


def compile_consumers(
    handlers: Iterable[tuple[EventHandler, str]],
    consumers: Iterable[EventHandler],
    doctypes: Mapping[str, Any],
    types: Mapping[str, EventType],
    dependencies: Mapping[Any, Dependencies],
    problem: Problem,
) -> dict[str, CompiledConsumer]:
    """Return all consumers by name; faulty declarations are recorded as problems and left out."""
    known = _Known(doctypes, types)
    found = {one.name: one for one in _handler_consumers(known, handlers, dependencies, problem)}
    functions: dict[str, EventHandler] = {}
    for function in consumers:
        mark = consumer_mark(function)
        if mark is None:
            problem(function, "it is not declared as a consumer: decorate it with @consumer")
            continue
        faults = [*known.faults_of_consumer(mark), *check_handler(function, dependencies.get(function, {}))]
        if functions.setdefault(mark.name, function) is not function:
            faults.append(f"another function is the consumer {mark.name!r}: choose another name")
        for fault in faults:
            problem(function, fault)
        if not faults:
            found[mark.name] = CompiledConsumer(mark.name, Interest(mark.topics), {"*": (function,)})
    return found


def _handler_consumers(
    known: _Known,
    handlers: Iterable[tuple[EventHandler, str]],
    dependencies: Mapping[Any, Dependencies],
    problem: Problem,
) -> Iterator[CompiledConsumer]:
    """Yield a consumer for each app with handlers."""
    found: dict[str, dict[str, tuple[EventHandler, ...]]] = {}
    for function, app in handlers:
        for fault in check_handler(function, dependencies.get(function, {})):
            problem(function, fault)
        topics = found.setdefault(app, {})
        for mark in handler_marks(function):
            faults = list(known.faults_of(mark))
            for fault in faults:
                problem(function, fault)
            if not faults:
                topic = known.topic(mark)
                topics[topic] = (*topics.get(topic, ()), function)
    for app, topics in found.items():
        yield CompiledConsumer(handlers_name(app), Interest(topics), topics)
