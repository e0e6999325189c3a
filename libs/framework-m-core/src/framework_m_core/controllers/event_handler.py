"""`@on`: marks a function that is called for events of a DocType, once their transaction is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from framework_m_core.controllers.declaration import Registrar, declare
from framework_m_core.domain.events import DomainEvent

__all__ = ["EventHandler", "HandlerMark", "handler_marks", "on"]

type EventHandler = Callable[..., Awaitable[None]]
"""Called with the event and the door to documents, and by name with the ports that its parameters are annotated with.
"""

_MARK = "__framework_m_events__"


@dataclass(frozen=True, slots=True)
class HandlerMark:
    """What `@on` wrote on a function."""

    doctype: str
    event: type[DomainEvent]


@dataclass(frozen=True, slots=True)
class _Handler:
    """The declaration of a function with one mark or more."""

    def register(self, registrar: Registrar, declared: EventHandler, app: str) -> None:
        """Register the function as an event handler."""
        registrar.add_handler(declared)


def on(doctype: str, event: type[DomainEvent]) -> Callable[[EventHandler], EventHandler]:
    """Calls the function with each such event, after its transaction, at least once and in order per document.

    The function gets the event and `documents`, which acts as the system. When it raises, the event is delivered
    again later and the document's following events wait.
    """

    def mark(function: EventHandler) -> EventHandler:
        setattr(function, _MARK, (*handler_marks(function), HandlerMark(doctype, event)))
        return declare(function, _Handler())

    return mark


def handler_marks(function: object) -> tuple[HandlerMark, ...]:
    """The marks that `@on` left on a function."""
    marks: tuple[HandlerMark, ...] = getattr(function, _MARK, ())
    return marks
