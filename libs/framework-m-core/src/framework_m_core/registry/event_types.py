"""`EventType`: a declared event type of an app, with how its payload is stored and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

__all__ = ["EventType", "dump_payload", "is_sensitive"]


@dataclass(frozen=True, slots=True)
class EventType:
    """An event type of an app: its name, payload model, the DocType in its topic, and the field that is its key."""

    name: str
    model: type[BaseModel]
    app: str
    doctype: str = ""
    key: str | None = None


def dump_payload(payload: BaseModel) -> dict[str, Any]:
    """Return a payload as JSON values, without sensitive fields, those of nested models included."""
    return _shown(payload, payload.model_dump(mode="json", by_alias=False))  # type: ignore[no-any-return]


def _shown(value: Any, dumped: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        return {name: _shown(getattr(value, name), dumped[name]) for name, info in fields if not is_sensitive(info)}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(one, encoded) for one, encoded in zip(value, dumped, strict=True)]
    if isinstance(value, Mapping):
        return {name: _shown(one, encoded) for one, (name, encoded) in zip(value.values(), dumped.items(), strict=True)}
    return dumped


def is_sensitive(info: FieldInfo) -> bool:
    """Return whether a field of a payload is kept out of what is stored."""
    return isinstance(info.json_schema_extra, dict) and bool(info.json_schema_extra.get("sensitive"))
