"""Responses: values to bytes, and bytes to the two ASGI messages of a response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.registry import Registry
from framework_m_standard.http.wire.asgi import Send

__all__ = ["JSON", "PRIVATE", "DocumentEncoder", "Headers", "RawResponse", "encode", "send_response"]

JSON: Final = (b"content-type", b"application/json")
PRIVATE: Final = ((b"cache-control", b"private, no-cache"),)
"""Shared caches store nothing, and a browser revalidates its cached response each time."""

encode = msgspec.json.Encoder().encode
"""Encodes a value as JSON: decimals, UUIDs and dates as text, UTC datetimes with `Z`."""

_PLAIN_SCALE: Final = 6
"""Decimals with more places may be written with an exponent unless they are formatted."""


type Headers = tuple[tuple[bytes, bytes], ...]


class RawResponse(NamedTuple):
    """A response: status, body, and headers without its length."""

    status: int
    body: bytes = b""
    headers: Headers = ()


async def send_response(send: Send, answer: RawResponse, *, head: bool = False) -> None:
    """Send a response, without the body for a HEAD request."""
    status, body, headers = answer
    length = () if status in {204, 304} else ((b"content-length", b"%d" % len(body)),)
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": b"" if head else body})


class DocumentEncoder:
    """An encoder of documents of a DocType that never writes decimals in exponent notation."""

    def __init__(self) -> None:
        self._deep: Derived[Registry, frozenset[str]] = Derived(_deep)

    def __call__(self, registry: Registry, plan: CompiledDocType, value: Any) -> bytes:
        """Encode a document or a page of documents as JSON."""
        return encode(_plain(value) if plan.name in self._deep.of(registry) else value)


def _deep(registry: Registry) -> frozenset[str]:
    """Return the DocTypes whose documents, or the documents that they link to, hold decimals with many places."""
    deep = {plan.name for plan in registry.doctypes.values() if _has_deep_decimals(plan)}
    return frozenset(deep).union(
        plan.name for plan in registry.doctypes.values() if deep.intersection(plan.links.values())
    )


def _has_deep_decimals(plan: CompiledDocType) -> bool:
    levels = [plan.fields, *(child.fields for child in plan.children.values())]
    return any((spec.scale or 0) > _PLAIN_SCALE for level in levels for spec in level.values())


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return [_plain(item) for item in value]
    return value
