"""Port `AuthenticationProtocol`: identify callers, log them in and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from framework_m_core.domain.context import Principal
from framework_m_core.interfaces.identity import Identity
from framework_m_core.interfaces.session import SessionKind

__all__ = ["AuthenticationProtocol", "Credentials", "Login"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a request; `unsafe` is True for an HTTP method that may change state."""

    authorization: str | None = None
    session_cookie: str | None = None
    csrf_token: str | None = None
    unsafe: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """A successful login: tokens for a `TOKEN` session, or the cookie's value and a CSRF token for a `COOKIE` session.

    `expires_in` is the lifetime in seconds of the access token or the cookie session.
    """

    identity: Identity
    expires_in: int
    access_token: str | None = None
    refresh_token: str | None = None
    session_cookie: str | None = None
    csrf_token: str | None = None


class AuthenticationProtocol(Protocol):
    """Login and verification of credentials.

    Contract: the first kind of credential present decides, without fall-through: an `Authorization` header (even if
    empty), then a session cookie; a CSRF token is required only if the cookie decides. A revoked or expired credential
    is rejected at once on the worker that revoked it and within a second on the others. A failed login takes the same
    time and gives the same response whatever the cause, including too many failures. A session whose user's epoch has
    increased is void permanently.
    """

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """Return the principal, or None if no credentials are given.

        Raises AuthenticationError for invalid credentials, and PermissionDeniedError (code `csrf_failed`) when an
        unsafe request of a cookie session lacks its CSRF token.
        """
        ...

    async def login(self, username: str, password: str, *, address: str, kind: SessionKind) -> Login:
        """Begin a session; `address` is the peer's.

        Raises AuthenticationError, or RateLimitError after too many failures for the account or the address.
        """
        ...

    async def refresh(self, refresh_token: str, *, address: str = "") -> Login:
        """Exchange a refresh token for new tokens; `address` is the peer's. Raises AuthenticationError.

        A spent token ends its whole session, except for up to a minute, during which the same address gets the same
        result again.
        """
        ...

    async def logout(self, credentials: Credentials) -> None:
        """End the session of the credentials. Raises like `authenticate`, and AuthenticationError if there are none."""
        ...
