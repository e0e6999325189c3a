"""`@on`: marks a function to be called for events of one type after their transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, overload

from pydantic import BaseModel

from framework_m_core.controllers.declaration import Registrar, declare
from framework_m_core.domain.events import DomainEvent

__all__ = ["EventHandler", "HandlerMark", "on"]

type EventHandler = Callable[..., Awaitable[None]]
"""Called with the event and the document client, and with the ports that its parameters are annotated with, by name."""


@dataclass(frozen=True, slots=True)
class HandlerMark:
    """The declaration of a handler: a DocType and an event of documents, or the payload of an app's event."""

    doctype: str | None
    event: type[DomainEvent] | type[BaseModel]

    def register(self, registrar: Registrar, declared: EventHandler, app: str) -> None:
        """Register the function as an event handler."""
        registrar.add_handler(declared, app)


@overload
def on(doctype: str, event: type[DomainEvent], /) -> Callable[[EventHandler], EventHandler]: ...
@overload
def on(payload: type[BaseModel], /) -> Callable[[EventHandler], EventHandler]: ...
def on(about: Any, event: Any = None, /) -> Callable[[EventHandler], EventHandler]:
    """Call the function with each such event after its transaction, at least once and in order per key.

    `@on("Order", DocCreated)` is called for a DocType's events, whose key is the document; `@on(OrderShipped)` for
    those of an app's own type, named by its payload. The function gets the event and `documents`, which acts as the
    system. If it raises, the event is redelivered later and the following events of its key wait.

    >>> from framework_m import DocSubmitted, Documents
    >>> @on("Invoice", DocSubmitted)
    ... async def note_sale(event: DocSubmitted, documents: Documents) -> None:
    ...     await documents.create("Sale", {"invoice": event.document_id})
    """
    handled = HandlerMark(None, about) if event is None else HandlerMark(about, event)

    def mark(function: EventHandler) -> EventHandler:
        return declare(function, handled)

    return mark
