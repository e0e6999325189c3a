"""Credentials in the headers of a request. Headers that merely name a user are ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from framework_m_core.domain.errors import AuthenticationError
from framework_m_core.interfaces.authentication import Credentials
from framework_m_standard.http.wire.request_errors import InvalidTokenError

__all__ = ["CSRF_COOKIE", "SESSION_COOKIE", "build_credentials_error", "credentials_of", "join_headers"]

SESSION_COOKIE: Final = "m_session"
CSRF_COOKIE: Final = "m_csrf"

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_SESSION: Final = SESSION_COOKIE.encode()


def join_headers(raw: Sequence[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Return the headers by lower-case name; repeated ones are joined as HTTP specifies."""
    headers = dict(raw)
    return headers if len(headers) == len(raw) else _join_repeated(raw)


def _join_repeated(raw: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
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


def build_credentials_error(error: Exception, headers: Mapping[bytes, bytes]) -> Exception:
    """Return the error that refuses credentials: of a bearer token, if they were one."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    is_token = scheme.lower() == b"bearer" and token.strip()
    return InvalidTokenError(error.message) if is_token and isinstance(error, AuthenticationError) else error


def _cookie(cookies: bytes, name: bytes) -> str | None:
    """Return the first cookie of a name; browsers send the one with the most specific path first."""
    for cookie in cookies.split(b";"):
        key, _, value = cookie.strip().partition(b"=")
        if key == name:
            return value.strip(b'"').decode("latin-1")
    return None


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
