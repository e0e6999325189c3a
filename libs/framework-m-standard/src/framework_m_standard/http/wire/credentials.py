"""Credentials in the headers of a request. Headers that merely name a user are ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from framework_m_core.interfaces.authentication import Credentials

__all__ = ["CSRF_COOKIE", "SESSION_COOKIE", "credentials_of", "headers_by_name"]

SESSION_COOKIE: Final = "m_session"
CSRF_COOKIE: Final = "m_csrf"

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_SESSION: Final = SESSION_COOKIE.encode()


def headers_by_name(raw: Sequence[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Return the headers by lower-case name; repeated ones are joined as HTTP specifies."""
    headers = dict(raw)
    return headers if len(headers) == len(raw) else _joined(raw)


def _joined(raw: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in raw:
        before = headers.get(name)
        separator = b"; " if name == b"cookie" else b", "
        headers[name] = value if before is None else before + separator + value
    return headers


def credentials_of(headers: Mapping[bytes, bytes], method: str) -> Credentials | None:
    """Return the credentials of a request, if any."""
    authorization, cookies = headers.get(b"authorization"), headers.get(b"cookie")
    session = None if cookies is None else _cookie(cookies, _SESSION)
    if authorization is None and session is None:
        return None
    csrf = headers.get(b"x-csrf-token")
    return Credentials(_text(authorization), session, _text(csrf), unsafe=method not in _SAFE)


def _cookie(cookies: bytes, name: bytes) -> str | None:
    """Return the first cookie of a name; browsers send the one with the most specific path first."""
    for cookie in cookies.split(b";"):
        key, _, value = cookie.strip().partition(b"=")
        if key == name:
            return value.strip(b'"').decode("latin-1")
    return None


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
