"""Encoding of events for brokers: JSON that any version of a process reads."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from framework_m_core.domain.events import AnyEvent, StoredEvent

__all__ = ["MAX_EVENT_BYTES", "decode_event", "encode_event"]

MAX_EVENT_BYTES: Final = 8_000_000
"""The most bytes of an encoded event."""


def encode_event(event: AnyEvent) -> bytes:
    """Return an event as JSON. Raises ValueError for one that is too large."""
    encoded = json.dumps(
        {
            "id": str(event.id), "type": event.type, "key": event.key, "doctype": event.doctype,
            "document_id": str(event.document_id), "version": event.version, "index": event.index,
            "occurred_at": event.occurred_at.isoformat(), "actor": event.actor, "tenant": event.tenant,
            "correlation_id": _text(event.correlation_id), "causation_id": _text(event.causation_id),
            "schema_version": event.schema_version, "data": event.data,
        },
        separators=(",", ":"), ensure_ascii=False, allow_nan=False,
    ).encode()  # fmt: skip
    if len(encoded) > MAX_EVENT_BYTES:
        raise ValueError(f"expected an event of at most {MAX_EVENT_BYTES} bytes, got {len(encoded)}")
    return encoded


def decode_event(encoded: bytes) -> StoredEvent:
    """Return an encoded event, as a store returns one. Raises ValueError for what is none."""
    try:
        found: dict[str, Any] = json.loads(encoded)
        return StoredEvent(
            position=0, id=UUID(found["id"]), type=found["type"], key=found["key"], doctype=found["doctype"],
            document_id=UUID(found["document_id"]), version=found["version"], index=found["index"],
            occurred_at=datetime.fromisoformat(found["occurred_at"]), actor=found["actor"], tenant=found["tenant"],
            correlation_id=_id(found["correlation_id"]), causation_id=_id(found["causation_id"]),
            schema_version=found["schema_version"], data=found["data"],
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"expected an encoded event, got {len(encoded)} bytes that cannot be decoded") from error


def _text(id: UUID | None) -> str | None:
    return None if id is None else str(id)


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
