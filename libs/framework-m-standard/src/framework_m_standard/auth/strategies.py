"""Authentication strategies: each takes one kind of credential out of a request and verifies it in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn, Protocol
from uuid import UUID

from framework_m_core.domain.context import GUEST, Principal
from framework_m_core.domain.errors import AuthenticationError
from framework_m_core.interfaces.authentication import Credentials
from framework_m_core.interfaces.identity import Identity, IdentityProtocol
from framework_m_core.interfaces.session import Session, SessionKind, SessionProtocol
from framework_m_standard.auth.credentials.session_secrets import is_secret
from framework_m_standard.auth.credentials.tokens import AccessTokens

__all__ = ["BearerStrategy", "CookieStrategy", "Strategy", "Verified", "join_secret", "split_secret"]

_OVER = "the session is over: log in again"


@dataclass(frozen=True, slots=True)
class Verified:
    """Who sends a credential, in which session, and until when it is good. `csrf_hash` is a cookie session's."""

    principal: Principal
    user_id: UUID
    session_id: UUID
    expires: datetime
    csrf_hash: str | None = None


class Strategy(Protocol):
    """One kind of credential."""

    def find(self, credentials: Credentials) -> str | None:
        """The credential of this kind, when the request carries one."""
        ...

    async def verify(self, credential: str) -> Verified:
        """Whose it is. Raises AuthenticationError."""
        ...


class CookieStrategy:
    """The session cookie, `<session id>.<secret>`."""

    def __init__(self, identity: IdentityProtocol, session: SessionProtocol) -> None:
        self._identity = identity
        self._session = session

    def find(self, credentials: Credentials) -> str | None:
        """The cookie's value; an empty one is none."""
        return credentials.session_cookie or None

    async def verify(self, credential: str) -> Verified:
        """Looks the session up and compares the secret."""
        session_id, secret = split_secret(credential)
        session = await self._session.find(session_id)
        if session is None or session.kind is not SessionKind.COOKIE or not is_secret(secret, session.secret_hash):
            _refuse()
        user = await live_user(self._identity, session)
        return Verified(_principal(user), user.id, session.id, session.expires, session.csrf_hash)


class BearerStrategy:
    """An access token in the header `Authorization: Bearer …`."""

    def __init__(self, identity: IdentityProtocol, session: SessionProtocol, tokens: AccessTokens) -> None:
        self._identity = identity
        self._session = session
        self._tokens = tokens

    def find(self, credentials: Credentials) -> str | None:
        """The whole header: one of another scheme is a credential that is not valid."""
        return credentials.authorization

    async def verify(self, credential: str) -> Verified:
        """Reads the token, then asks whether its session lives."""
        scheme, _, token = credential.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationError("an Authorization header with a Bearer token is expected")
        claims = self._tokens.read(token.strip())
        session = await self._session.find(claims.session_id)
        if session is None or session.kind is not SessionKind.TOKEN:
            _refuse()
        if (session.user_id, session.epoch) != (claims.user_id, claims.epoch):
            _refuse()
        user = await live_user(self._identity, session)
        return Verified(_principal(user), user.id, session.id, claims.expires)


async def live_user(identity: IdentityProtocol, session: Session) -> Identity:
    """The user of a session. Raises AuthenticationError when disabled, gone, or of a later epoch."""
    user = await identity.find(session.user_id)
    if user is None or not user.enabled or user.epoch != session.epoch:
        _refuse()
    return user


def join_secret(session_id: UUID, secret: str) -> str:
    """A session's id and secret as one text, for cookies and refresh tokens."""
    return f"{session_id}.{secret}"


def split_secret(text: str) -> tuple[UUID, str]:
    """The parts of such a text. Raises AuthenticationError."""
    session_id, _, secret = text.partition(".")
    try:
        return UUID(session_id), secret
    except ValueError:
        _refuse()


def _principal(user: Identity) -> Principal:
    return Principal(str(user.id), user.roles | {GUEST}, user.email, user.attributes)


def _refuse() -> NoReturn:
    raise AuthenticationError(_OVER)
