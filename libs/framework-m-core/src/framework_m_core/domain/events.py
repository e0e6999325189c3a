"""Domain events: what happened to a document, in past tense, stored in the outbox in the transaction of its cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

__all__ = [
    "EVENT_TYPES",
    "DocCancelled",
    "DocCreated",
    "DocDeleted",
    "DocSubmitted",
    "DocUpdated",
    "DomainEvent",
    "event_class",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """One fact about one document.

    `document_id` is the stream and `(version, index)` the position in it: events of one document are delivered in that
    order, at least once; consumers deduplicate by `id`. `data` contains no sensitive fields.
    """

    type: ClassVar[str]

    id: UUID
    doctype: str
    document_id: UUID
    version: int
    index: int = 0
    occurred_at: datetime
    actor: str
    tenant: str | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    schema_version: int = 1
    data: Mapping[str, Any]


class DocCreated(DomainEvent):
    """A document was created."""

    type = "created"


class DocUpdated(DomainEvent):
    """Fields of a document changed; `data["changed"]` lists them."""

    type = "updated"


class DocSubmitted(DomainEvent):
    """A draft was submitted, becoming final."""

    type = "submitted"


class DocCancelled(DomainEvent):
    """A submitted document was cancelled."""

    type = "cancelled"


class DocDeleted(DomainEvent):
    """A document was deleted; `data["hard"]` says whether its row was deleted too."""

    type = "deleted"


EVENT_TYPES: dict[str, type[DomainEvent]] = {
    kind.type: kind for kind in (DocCreated, DocUpdated, DocSubmitted, DocCancelled, DocDeleted)
}


def event_class(name: str) -> type[DomainEvent]:
    """Return the event class of a short name, such as `created`. Raises KeyError for one of a later version."""
    return EVENT_TYPES[name]
