"""Events: what happened, in past tense, stored in the transaction of its cause.

`DomainEvent` is what happened to a document; `PublishedEvent` is of a type that an app declares. `StoredEvent` is
either as a store returns it, before its type is known to the process. `Interest` is which events a consumer wants.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel

__all__ = [
    "DOC_EVENTS",
    "EVERY_EVENT",
    "NO_DOCUMENT",
    "AnyEvent",
    "DocCancelled",
    "DocCreated",
    "DocDeleted",
    "DocRestored",
    "DocSubmitted",
    "DocUpdated",
    "DomainEvent",
    "Event",
    "Interest",
    "PublishedEvent",
    "StoredEvent",
    "is_event_type",
    "is_pattern",
    "resolve_event_type",
    "topic_of",
]

NO_DOCUMENT: Final = UUID(int=0)
"""The document id stored with an event that is about no document."""

EVERY_EVENT: Final = "*"
"""The pattern that covers every event."""

_TYPE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_PATTERN: Final = re.compile(r"\*|[a-z][a-z0-9_]*\.(\*|[a-z0-9_.]*[a-z0-9_](:\w+)?)")


def topic_of(type_: str, doctype: str) -> str:
    """Return the topic of an event: `<type>:<doctype>`, or the type alone for an event about no DocType."""
    return f"{type_}:{doctype}" if doctype else type_


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The envelope of an event.

    Events of one `key` are delivered in order, at least once; consumers deduplicate by `id`. `data` is the payload as
    JSON values, without sensitive fields.
    """

    id: UUID
    occurred_at: datetime
    actor: str
    tenant: str | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    schema_version: int = 1
    data: Mapping[str, Any]

    @property
    def topic(self) -> str:
        """The type and, for an event about a DocType, its name: `doc.created:Invoice`."""
        return topic_of(self.type, self.doctype)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent(Event):
    """One fact about one document, which is the key; `(version, index)` is the position among its events."""

    type: ClassVar[str]

    doctype: str
    document_id: UUID
    version: int
    index: int = 0

    @property
    def key(self) -> str:
        """The document's id: its events are delivered in order."""
        return str(self.document_id)


class DocCreated(DomainEvent):
    """A document was created."""

    __slots__ = ()
    type = "doc.created"


class DocUpdated(DomainEvent):
    """Fields of a document changed; `data["changed"]` lists them."""

    __slots__ = ()
    type = "doc.updated"


class DocSubmitted(DomainEvent):
    """A draft was submitted, becoming final."""

    __slots__ = ()
    type = "doc.submitted"


class DocCancelled(DomainEvent):
    """A submitted document was cancelled."""

    __slots__ = ()
    type = "doc.cancelled"


class DocDeleted(DomainEvent):
    """A document was deleted; `data["hard"]` says whether its row was deleted too."""

    __slots__ = ()
    type = "doc.deleted"


class DocRestored(DomainEvent):
    """A deleted document was restored."""

    __slots__ = ()
    type = "doc.restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEvent[P: BaseModel](Event):
    """An event of a type that an app declares, with its payload. Without a key of its own it has no order."""

    type: str
    key: str
    doctype: str = ""
    document_id: UUID = NO_DOCUMENT
    version: int = 0
    index: int = 0
    payload: P


type AnyEvent = DomainEvent | PublishedEvent[Any]
"""An event of the framework's types, or of those that apps declare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as stored: `data` is plain JSON, and the type may be unknown to this process."""

    position: int
    id: UUID
    type: str
    key: str
    doctype: str
    document_id: UUID
    version: int
    index: int
    occurred_at: datetime
    actor: str
    tenant: str | None
    correlation_id: UUID | None
    causation_id: UUID | None
    schema_version: int
    data: Mapping[str, Any]

    @property
    def topic(self) -> str:
        """The topic of the event."""
        return topic_of(self.type, self.doctype)


DOC_EVENTS: Final[Mapping[str, type[DomainEvent]]] = {
    kind.type: kind for kind in (DocCreated, DocUpdated, DocSubmitted, DocCancelled, DocDeleted, DocRestored)
}
"""The framework's own event types by name."""

_FORMER_NAMES: Final[Mapping[str, str]] = {name.removeprefix("doc."): name for name in DOC_EVENTS}
"""Names that version 1.0 stored, and what they are called now."""


def resolve_event_type(stored: str) -> str:
    """Return the present name of a stored event type."""
    return _FORMER_NAMES.get(stored, stored)


def is_event_type(name: str) -> bool:
    """Return whether a name is one of an event type: dotted and in lower case, such as `shop.order_shipped`."""
    return _TYPE.fullmatch(name) is not None


def is_pattern(text: str) -> bool:
    """Return whether a text is `*`, `<app>.*`, an event type, or `<type>:<doctype>`."""
    return _PATTERN.fullmatch(text) is not None


class Interest:
    """Patterns over topics: `*` covers all, `shop.*` a prefix, `doc.created` every DocType, `doc.created:Order` one."""

    __slots__ = ("_exact", "_prefixes", "patterns")

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self.patterns = tuple(sorted(set(patterns)))
        self._exact = frozenset(self.patterns)
        self._prefixes = tuple(pattern.removesuffix("*") for pattern in self.patterns if pattern.endswith("*"))

    def __repr__(self) -> str:
        return f"Interest({list(self.patterns)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Interest) and other.patterns == self.patterns

    def __hash__(self) -> int:
        return hash(self.patterns)

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def covers(self, topic: str) -> bool:
        """Return whether an event of this topic is wanted."""
        return topic in self._exact or topic.partition(":")[0] in self._exact or topic.startswith(self._prefixes)
