"""CSRF protection: proof that a cookie session's unsafe request comes from our own pages."""

from __future__ import annotations

from framework_m_core.domain.errors import PermissionDeniedError
from framework_m_core.interfaces.authentication import Credentials
from framework_m_core.services.session_secrets import matches_hash

__all__ = ["CsrfError", "check_csrf"]


class CsrfError(PermissionDeniedError):
    """An unsafe request of a cookie session without its CSRF token."""

    code = "csrf_failed"


def check_csrf(credentials: Credentials, csrf_hash: str) -> None:
    """Raise CsrfError for an unsafe request whose token is missing or not the session's."""
    if credentials.unsafe and not matches_hash(credentials.csrf_token or "", csrf_hash):
        raise CsrfError(
            "the request lacks its CSRF token: send the value of the cookie m_csrf as the header X-CSRF-Token",
            rule="csrf",
        )
