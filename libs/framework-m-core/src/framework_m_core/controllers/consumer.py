"""`@consumer`: declares a function with durable progress of its own over the stored events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from framework_m_core.controllers.declaration import Registrar, declare
from framework_m_core.controllers.event_handler import EventHandler

__all__ = ["ConsumerMark", "ConsumerUnavailableError", "consumer"]


class ConsumerUnavailableError(Exception):
    """What a consumer delivers to is unavailable as a whole.

    A consumer raises it for an outage: its events wait, and no attempt is counted.
    """


@dataclass(frozen=True, slots=True)
class ConsumerMark:
    """The declaration of a consumer: its name in the store, and the patterns of the topics that it wants."""

    name: str
    topics: tuple[str, ...]

    def register(self, registrar: Registrar, declared: EventHandler, app: str) -> None:
        """Register the function as a consumer."""
        registrar.add_consumer(declared)


def consumer[F: EventHandler](name: str, *topics: str) -> Callable[[F], F]:
    """Call the function with each event of these topics, from when the consumer is first known to the store.

    A topic is `*` for every event, `shop.*`, `doc.created` or `doc.created:Order`. The function gets the event and
    `documents`, and ports by annotation, as an `@on` handler does. Its progress is kept under `name`: it must not
    change. If it raises, that event is redelivered later, and the following events of its key wait.

    >>> from framework_m import DomainEvent, Documents
    >>> @consumer("search_index", "doc.*")
    ... async def index(event: DomainEvent, documents: Documents) -> None:
    ...     print(event.type, event.document_id)
    """

    def mark(function: F) -> F:
        return declare(function, ConsumerMark(name, topics))

    return mark
