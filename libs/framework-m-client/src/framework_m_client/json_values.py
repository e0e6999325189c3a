"""Values in JSON as the server expects them: decimals and ids as texts, datetimes with their offset."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

__all__ = ["encode", "fields_of"]


def encode(value: Any) -> str:
    """Return a value as JSON text. Raises TypeError for a value that the server has no type for.

    >>> encode({"rate": Decimal("2.10"), "due": date(2026, 1, 31)})
    '{"rate":"2.10","due":"2026-01-31"}'
    """
    return json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def fields_of(document: Any) -> dict[str, Any]:
    """Return the fields of a mapping, a pydantic model (those that were set) or a dataclass."""
    if isinstance(document, Mapping):
        return dict(document)
    if hasattr(document, "model_dump"):
        dumped: dict[str, Any] = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return dumped
    if dataclasses.is_dataclass(document) and not isinstance(document, type):
        return {one.name: getattr(document, one.name) for one in dataclasses.fields(document)}
    raise TypeError(f"expected a mapping, a pydantic model or a dataclass, got {type(document).__name__}")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise TypeError(f"expected a datetime with an offset, got {value!r}: add tzinfo, such as UTC")
    if isinstance(value, date):  # datetimes are dates too
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, set | frozenset):
        return sorted(value)
    return fields_of(value)
