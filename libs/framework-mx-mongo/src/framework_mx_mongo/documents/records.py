"""The framework's own records in BSON: events, audit entries and stored responses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from pydantic_core import from_json, to_json

from framework_m_core.spi import AnyEvent, AuditEntry, StoredEvent, StoredResponse
from framework_mx_mongo.documents.values import from_microseconds, to_microseconds

__all__ = ["audit_record", "encode_event_record", "encode_response_record", "read_audit", "read_event", "read_response"]

_EVENT: Final = tuple(one.name for one in fields(StoredEvent) if one.name not in {"position", "id", "data"})
_AUDIT: Final = tuple(one.name for one in fields(AuditEntry) if one.name not in {"id", "changes"})
_RESPONSE: Final = tuple(one.name for one in fields(StoredResponse) if one.name != "key")


def encode_event_record(event: AnyEvent) -> dict[str, Any]:
    """Return an event as stored, without a position until it is read."""
    values = {name: getattr(event, name) for name in _EVENT}
    values["occurred_at"] = to_microseconds(event.occurred_at)
    return {"_id": event.id, "position": None, **values, "data": to_json(event.data).decode()}


def read_event(stored: Mapping[str, Any]) -> StoredEvent:
    """Return a stored event."""
    values = {name: stored[name] for name in _EVENT}
    values["occurred_at"] = from_microseconds(stored["occurred_at"])
    return StoredEvent(id=stored["_id"], position=int(stored["position"]), data=from_json(stored["data"]), **values)


def audit_record(entry: AuditEntry) -> dict[str, Any]:
    """Return an audit entry as stored."""
    values = {name: getattr(entry, name) for name in _AUDIT}
    values["at"] = to_microseconds(entry.at)
    return {"_id": entry.id, **values, "changes": to_json(entry.changes).decode()}


def read_audit(stored: Mapping[str, Any]) -> AuditEntry:
    """Return a stored audit entry."""
    values = {name: stored[name] for name in _AUDIT}
    values["at"] = from_microseconds(stored["at"])
    return AuditEntry(id=stored["_id"], changes=from_json(stored["changes"]), **values)


def encode_response_record(response: StoredResponse) -> dict[str, Any]:
    """Return a response as stored, without its key."""
    return {**{name: getattr(response, name) for name in _RESPONSE}, "expires": to_microseconds(response.expires)}


def read_response(stored: Mapping[str, Any]) -> StoredResponse:
    """Return a stored response."""
    values = {name: stored[name] for name in _RESPONSE}
    return StoredResponse(key=stored["_id"], **{**values, "expires": from_microseconds(stored["expires"])})
