"""Port `AuthenticationProtocol`: who is calling, and how callers log in and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from framework_m_core.domain.context import Principal
from framework_m_core.interfaces.identity import Identity
from framework_m_core.interfaces.session import SessionKind

__all__ = ["AuthenticationProtocol", "Credentials", "Login"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries to show who sends it; `unsafe` says whether its method may change something."""

    authorization: str | None = None
    session_cookie: str | None = None
    csrf_token: str | None = None
    unsafe: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """A login that succeeded: tokens for a `TOKEN` session, the cookie's value and a CSRF token for a `COOKIE` one.

    `expires_in` is in seconds: of the access token, or of the cookie session.
    """

    identity: Identity
    expires_in: int
    access_token: str | None = None
    refresh_token: str | None = None
    session_cookie: str | None = None
    csrf_token: str | None = None


class AuthenticationProtocol(Protocol):
    """Logs in and verifies credentials.

    Contract: the first kind of credential that is present decides, an `Authorization` header (an empty one too) before
    a session cookie, without falling through; a CSRF token is asked for where the cookie decides. A revoked or expired
    credential is refused at once on the worker that revoked it and within a second on the others. A failed login takes
    the same time and gives the same answer whatever was wrong, also once there were too many. A session whose user's
    epoch has risen is void for good.
    """

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """The principal; None when no credentials are given. Raises AuthenticationError for invalid ones, and
        PermissionDeniedError (code `csrf_failed`) when a cookie session's unsafe request lacks its CSRF token."""
        ...

    async def login(self, username: str, password: str, *, address: str, kind: SessionKind) -> Login:
        """Begins a session; `address` is the peer's. Raises AuthenticationError, or RateLimitError after too many
        failures for the account or the address."""
        ...

    async def refresh(self, refresh_token: str, *, address: str = "") -> Login:
        """Trades a refresh token for new tokens; `address` is the peer's. Raises AuthenticationError.

        A spent one ends its whole session, but for a minute at most, in which the same address is given the same again.
        """
        ...

    async def logout(self, credentials: Credentials) -> None:
        """Ends the session that the credentials belong to. Raises like `authenticate`, also when there are none."""
        ...
