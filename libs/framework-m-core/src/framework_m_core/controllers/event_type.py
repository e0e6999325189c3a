"""`@event_type`: declares an event type of an app by the pydantic model of its payload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel

from framework_m_core.controllers.declaration import Registrar, declare

__all__ = ["EventTypeMark", "event_type"]


@dataclass(frozen=True, slots=True)
class EventTypeMark:
    """The declaration of a payload model: its name, the DocType it is about, and the field that orders its events."""

    name: str
    doctype: str | None = None
    key: str | None = None

    def register(self, registrar: Registrar, declared: type[BaseModel], app: str) -> None:
        """Register the model as the payload of an event type."""
        registrar.add_event_type(declared, app)


def event_type[P: type[BaseModel]](
    name: str, *, doctype: str | None = None, key: str | None = None
) -> Callable[[P], P]:
    """Declare an event type named `<app>.<past tense>`, whose payload is the decorated model.

    Events with the same value of the field `key` are delivered in order; without `key`, each is delivered on its own.
    `doctype` adds the DocType to the topic: `shop.order_shipped:Order`. Publish with `documents.publish(payload)`.

    >>> from pydantic import BaseModel
    >>> @event_type("shop.order_shipped", doctype="Order", key="order")
    ... class OrderShipped(BaseModel):
    ...     order: str
    ...     parcels: int
    """

    def mark(model: P) -> P:
        return declare(model, EventTypeMark(name, doctype, key))

    return mark
