"""Paths split into segments of the raw path: `%2F` is part of a segment, never a separator."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote, unquote, unquote_to_bytes
from uuid import UUID

from framework_m_standard.http.wire.request_errors import RouteNotFoundError

__all__ = ["decode_path", "decode_reference", "decode_segment", "parse_uuid", "raw_path_of"]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_UUID_LENGTH: Final = 36


def raw_path_of(scope: Any) -> bytes:
    """Return the path as it was sent, rebuilt for servers that do not keep it."""
    raw: bytes | None = scope.get("raw_path")
    return quote(scope["path"]).encode("ascii") if raw is None else raw


def decode_segment(segment: bytes) -> str:
    """Decode a segment. Raises RouteNotFoundError for an empty one, bad UTF-8 and NUL: no document has such a name."""
    try:
        text = (unquote_to_bytes(segment) if b"%" in segment else segment).decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text:
        raise RouteNotFoundError("no route has this path")
    return text


def decode_path(raw: bytes) -> str:
    """Return the decoded path with encoded slashes kept, for routers that split it after decoding."""
    segments = raw.decode("latin-1").split("/")
    return "/".join([unquote(segment).replace("/", "%2F") for segment in segments])


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that a text is in canonical form, ignoring case, else None."""
    if len(text) != _UUID_LENGTH or _UUID.fullmatch(text) is None:
        return None
    return UUID(text)


def decode_reference(segment: bytes) -> UUID | str:
    """Return the document reference in a segment: an id if it is a UUID, else a name. Raises as `decode_segment`."""
    text = decode_segment(segment)
    return parse_uuid(text) or text
