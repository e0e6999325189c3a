"""`@on`: marks a function to be called for events of a DocType after their transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from framework_m_core.controllers.declaration import Registrar, declare
from framework_m_core.domain.events import DomainEvent

__all__ = ["EventHandler", "HandlerMark", "handler_marks", "on"]

type EventHandler = Callable[..., Awaitable[None]]
"""Called with the event and the document client, and with the ports that its parameters are annotated with, by name."""

_MARK = "__framework_m_events__"


@dataclass(frozen=True, slots=True)
class HandlerMark:
    """The mark that `@on` sets on a function."""

    doctype: str
    event: type[DomainEvent]


@dataclass(frozen=True, slots=True)
class _Handler:
    """The declaration of a function with one or more marks."""

    def register(self, registrar: Registrar, declared: EventHandler, app: str) -> None:
        """Register the function as an event handler."""
        registrar.add_handler(declared)


def on(doctype: str, event: type[DomainEvent]) -> Callable[[EventHandler], EventHandler]:
    """Call the function with each such event after its transaction, at least once and in order per document.

    The function gets the event and `documents`, which acts as the system. If it raises, the event is redelivered
    later and the document's following events wait.
    """

    def mark(function: EventHandler) -> EventHandler:
        setattr(function, _MARK, (*handler_marks(function), HandlerMark(doctype, event)))
        return declare(function, _Handler())

    return mark


def handler_marks(function: object) -> tuple[HandlerMark, ...]:
    """Return the marks that `@on` set on a function."""
    marks: tuple[HandlerMark, ...] = getattr(function, _MARK, ())
    return marks
