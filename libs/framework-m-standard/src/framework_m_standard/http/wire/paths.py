"""Paths by whole segments of the raw path: `%2F` is part of a segment, never a separator."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote, unquote, unquote_to_bytes
from uuid import UUID

from framework_m_standard.http.wire.request_errors import RouteNotFoundError

__all__ = ["decoded_path", "raw_path_of", "reference", "segment_text", "uuid_or_none"]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_UUID_LENGTH: Final = 36


def raw_path_of(scope: Any) -> bytes:
    """The path as it was sent; servers that do not keep it get it rebuilt."""
    raw: bytes | None = scope.get("raw_path")
    return quote(scope["path"]).encode("ascii") if raw is None else raw


def segment_text(segment: bytes) -> str:
    """A segment decoded. Raises RouteNotFoundError for an empty one, bad UTF-8 and NUL: no document is called so."""
    try:
        text = (unquote_to_bytes(segment) if b"%" in segment else segment).decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text:
        raise RouteNotFoundError("no route has this path")
    return text


def decoded_path(raw: bytes) -> str:
    """The decoded path with encoded slashes left as they are, for routers that split only afterwards."""
    segments = raw.decode("latin-1").split("/")
    return "/".join([unquote(segment).replace("/", "%2F") for segment in segments])


def uuid_or_none(text: str) -> UUID | None:
    """The UUID that a text is in its canonical form, letter case aside."""
    if len(text) != _UUID_LENGTH or _UUID.fullmatch(text) is None:
        return None
    return UUID(text)


def reference(segment: bytes) -> UUID | str:
    """What a segment refers to a document by: its id where it is a UUID, else its name."""
    text = segment_text(segment)
    return uuid_or_none(text) or text
