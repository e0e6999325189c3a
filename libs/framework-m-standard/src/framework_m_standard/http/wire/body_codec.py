"""Request bodies: read within the limit, and decoded without losing digits of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_standard.http.wire.asgi import Message, Receive
from framework_m_standard.http.wire.bytes_in_flight import BufferedBody
from framework_m_standard.http.wire.json_scan import count_values, find_repeated_key
from framework_m_standard.http.wire.request_errors import (
    BodyTooLargeError,
    ContentCodingError,
    MalformedBodyError,
    MediaTypeError,
)

__all__ = ["decode_json", "decode_object", "read_body", "read_object"]

_OBJECT: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_ANYTHING: Final = msgspec.json.Decoder(float_hook=Decimal)
_MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, InvalidOperation, RecursionError)
_JSON: Final = b"application/json"
_MAX_VALUES: Final = 500_000
_OUT_OF_RANGE: Final = "out of range"
_INTEGER: Final = "expected an integer within 64 bits, got one of thousands of digits"


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """Return the whole body. Raises BodyTooLargeError as soon as it is known to exceed the limit, MalformedBodyError if
    the client disconnects before its end, and RateLimitError or NotReadyError if too many bytes are in flight."""
    if int(headers.get(b"content-length") or 0) > limit:
        raise _too_large(limit)
    message = await receive()
    body = _chunk(message)
    if message.get("more_body"):
        body = await _read_rest(body, receive, limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def _read_rest(first: bytes, receive: Receive, limit: int) -> bytes:
    count = receive.add if isinstance(receive, BufferedBody) else None
    body, more = bytearray(first), True  # which takes no memory for each of many small chunks
    if count:
        count(len(body))
    while more:
        message = await receive()
        chunk = _chunk(message)
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
        if count:
            count(len(chunk))
        more = message.get("more_body", False)
    return bytes(body)


def _chunk(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise MalformedBodyError("the client disconnected before the end of the body")
    chunk: bytes = message.get("body", b"")
    return chunk


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"expected a body of at most {limit} bytes, got a larger one")


def decode_object(headers: Mapping[bytes, bytes], body: bytes, *, optional: bool = False) -> dict[str, Any]:
    """Decode the JSON object in a body; an empty body is `{}` if the object is `optional`.

    Numbers with a point or exponent become `Decimal`. Raises MediaTypeError, MalformedBodyError, and ValidationError
    for an integer that no field can hold or more than 500,000 values.
    """
    media = headers.get(b"content-type")
    if media != _JSON and (body or media is not None):
        _check_media(media)
    if b"content-encoding" in headers:
        raise ContentCodingError("expected a body without Content-Encoding: send it uncompressed")
    if optional and not body:
        return {}
    if len(body) > _MAX_VALUES and count_values(body) > _MAX_VALUES:
        raise ValidationError(
            "the body is not valid", [FieldError("*", "out_of_bounds", params={"max_values": _MAX_VALUES})]
        )
    try:
        value = _OBJECT.decode(body)
    except msgspec.ValidationError as error:
        if _OUT_OF_RANGE in str(error):
            raise ValidationError(
                "the body is not valid", [FieldError("*", "out_of_bounds", params={"bits": 64})]
            ) from None
        raise MalformedBodyError(f"the body is not a JSON object: {error}") from None
    except _MALFORMED as error:
        raise MalformedBodyError(f"the body is not valid JSON: {_reason(error)}") from None
    if body.count(b":") != len(value) and (key := find_repeated_key(body, value)) is not None:
        raise MalformedBodyError(f"expected each key of an object once, got {key!r} twice")
    return value


async def read_object(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> dict[str, Any]:
    """Read and decode the JSON object in the body of a request."""
    return decode_object(headers, await read_body(headers, receive, limit))


def decode_json(text: str) -> Any:
    """Decode a JSON value with exact decimals. Raises ValueError with the reason."""
    try:
        value = _ANYTHING.decode(text)
    except _MALFORMED as error:
        raise ValueError(_reason(error)) from None
    if (key := find_repeated_key(text.encode(), value)) is not None:
        raise ValueError(f"expected each key of an object once, got {key!r} twice")
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "expected less deep nesting"
    if isinstance(error, InvalidOperation):
        return "a number is out of bounds"
    if isinstance(error, UnicodeDecodeError):
        return "expected UTF-8"
    if _OUT_OF_RANGE in str(error):
        return _INTEGER
    return str(error)


def _check_media(media: bytes | None) -> None:
    kind, *parameters = (media or b"").lower().split(b";")
    kind = kind.strip()
    if kind != _JSON and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
        raise MediaTypeError("expected a JSON body: send Content-Type: application/json")
    for parameter in parameters:
        name, _, value = parameter.strip().partition(b"=")
        if name == b"charset" and value.strip(b'"') not in {b"utf-8", b"utf8"}:
            raise MediaTypeError("expected the body in UTF-8")
