"""Responses: values to bytes, and bytes to the two ASGI messages of a response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from framework_m_core.domain.context import RegistryView
from framework_m_core.domain.fields.json_form import JsonEncoders
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_standard.http.wire.asgi import Send

__all__ = ["JSON", "PRIVATE", "DocumentEncoder", "Headers", "RawResponse", "encode", "send_response"]

JSON: Final = (b"content-type", b"application/json")
PRIVATE: Final = ((b"cache-control", b"private, no-cache"),)
"""Shared caches store nothing, and a browser revalidates its cached response each time."""

encode = msgspec.json.Encoder().encode
"""Encodes a value as JSON: decimals, UUIDs and dates as text, UTC datetimes with `Z`, bytes in base64."""

_PLAIN_SCALE: Final = 6
"""Decimals with more places may be written with an exponent unless they are formatted."""


type Headers = tuple[tuple[bytes, bytes], ...]


class RawResponse(NamedTuple):
    """A response: status, body, and headers without its length."""

    status: int
    body: bytes = b""
    headers: Headers = ()


async def send_response(send: Send, response: RawResponse, *, head: bool = False) -> None:
    """Send a response, without the body for a HEAD request."""
    status, body, headers = response
    length = () if status in {204, 304} else ((b"content-length", b"%d" % len(body)),)
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": b"" if head else body})


@dataclass(frozen=True, slots=True)
class _Exceptions:
    """The DocTypes whose documents need more than the plain encoder, and what makes JSON of field types' values."""

    doctypes: frozenset[str]
    encoders: JsonEncoders


class DocumentEncoder:
    """An encoder of documents that never writes decimals in exponent notation, and writes values of field types."""

    def __init__(self) -> None:
        self._exceptions: Derived[RegistryView, _Exceptions] = Derived(_exceptions)

    def __call__(self, registry: RegistryView, plan: CompiledDocType, value: Any) -> bytes:
        """Encode a document or a page of documents as JSON."""
        exceptions = self._exceptions.of(registry)
        return encode(_plain(value, exceptions.encoders) if plan.name in exceptions.doctypes else value)


def _exceptions(registry: RegistryView) -> _Exceptions:
    """Return the DocTypes with decimals of many places or field types, in their documents or those they link to."""
    found = {plan.name for plan in registry.doctypes.values() if any(map(_is_exception, _specs(plan)))}
    linking = {plan.name for plan in registry.doctypes.values() if found.intersection(plan.links.values())}
    return _Exceptions(frozenset(found | linking), registry.extensions.json_encoders)


def _specs(plan: CompiledDocType) -> Iterator[FieldSpec]:
    for level in (plan.fields, *(child.fields for child in plan.children.values())):
        yield from level.values()


def _is_exception(spec: FieldSpec) -> bool:
    return (spec.scale or 0) > _PLAIN_SCALE or spec.field_type is not None


def _plain(value: Any, encoders: JsonEncoders) -> Any:
    if (to_json := encoders.get(type(value))) is not None:
        return _plain(to_json(value), {})
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return {key: _plain(item, encoders) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: _plain(getattr(value, part.name), encoders) for part in fields(value)}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return [_plain(item, encoders) for item in value]
    return value
