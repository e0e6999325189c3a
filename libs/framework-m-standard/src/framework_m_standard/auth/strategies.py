"""Authentication strategies: each finds one kind of credential in a request and verifies it against the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn, Protocol
from uuid import UUID

from framework_m_core.domain.context import Principal
from framework_m_core.domain.errors import AuthenticationError
from framework_m_core.interfaces.authentication import Credentials
from framework_m_core.interfaces.identity import Identity, IdentityProtocol
from framework_m_core.interfaces.session import Session, SessionKind, SessionProtocol
from framework_m_core.services.session_secrets import matches_hash
from framework_m_standard.auth.credentials.tokens import AccessTokens

__all__ = ["BearerStrategy", "CookieStrategy", "Strategy", "Verified", "join_secret", "load_live_user", "split_secret"]

_ENDED = "the session has ended: log in again"


@dataclass(frozen=True, slots=True)
class Verified:
    """A verified credential: its principal, session and expiry. `csrf_hash` is set for cookie sessions only."""

    principal: Principal
    user_id: UUID
    session_id: UUID
    expires: datetime
    csrf_hash: str | None = None


class Strategy(Protocol):
    """A strategy for one kind of credential."""

    def find(self, credentials: Credentials) -> str | None:
        """Return the credential of this kind, if the request has one."""
        ...

    async def verify(self, credential: str) -> Verified:
        """Verify a credential. Raises AuthenticationError."""
        ...


class CookieStrategy:
    """The strategy for the session cookie, `<session id>.<secret>`."""

    def __init__(self, identity: IdentityProtocol, session: SessionProtocol) -> None:
        self._identity = identity
        self._session = session

    def find(self, credentials: Credentials) -> str | None:
        """Return the cookie's value, or None if it is missing or empty."""
        return credentials.session_cookie or None

    async def verify(self, credential: str) -> Verified:
        """Look up the session and compare the secret. Raises AuthenticationError."""
        session_id, secret = split_secret(credential)
        session = await self._session.find(session_id)
        if session is None or session.kind is not SessionKind.COOKIE or not matches_hash(secret, session.secret_hash):
            _raise_ended()
        user = await load_live_user(self._identity, session)
        return Verified(_principal(user), user.id, session.id, session.expires, session.csrf_hash)


class BearerStrategy:
    """The strategy for access tokens in the header `Authorization: Bearer …`."""

    def __init__(self, identity: IdentityProtocol, session: SessionProtocol, tokens: AccessTokens) -> None:
        self._identity = identity
        self._session = session
        self._tokens = tokens

    def find(self, credentials: Credentials) -> str | None:
        """Return the whole header, so that another scheme is verified, and refused, as an invalid credential."""
        return credentials.authorization

    async def verify(self, credential: str) -> Verified:
        """Read the token, then check that its session is live. Raises AuthenticationError."""
        scheme, _, token = credential.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationError("expected an Authorization header with a Bearer token")
        claims = self._tokens.read(token.strip())
        session = await self._session.find(claims.session_id)
        if session is None or session.kind is not SessionKind.TOKEN:
            _raise_ended()
        if (session.user_id, session.epoch) != (claims.user_id, claims.epoch):
            _raise_ended()
        user = await load_live_user(self._identity, session)
        return Verified(_principal(user), user.id, session.id, claims.expires)


async def load_live_user(identity: IdentityProtocol, session: Session) -> Identity:
    """Return the user of a session. Raises AuthenticationError if disabled, deleted, or of another epoch."""
    user = await identity.find(session.user_id)
    if user is None or not user.enabled or user.epoch != session.epoch:
        _raise_ended()
    return user


def join_secret(session_id: UUID, secret: str) -> str:
    """Join a session's id and secret into one string, for cookies and refresh tokens."""
    return f"{session_id}.{secret}"


def split_secret(text: str) -> tuple[UUID, str]:
    """Split a string made by `join_secret`. Raises AuthenticationError for a malformed one."""
    session_id, _, secret = text.partition(".")
    try:
        return UUID(session_id), secret
    except ValueError:
        _raise_ended()


def _principal(user: Identity) -> Principal:
    return Principal(str(user.id), user.roles, user.email, user.attributes)


def _raise_ended() -> NoReturn:
    raise AuthenticationError(_ENDED)
