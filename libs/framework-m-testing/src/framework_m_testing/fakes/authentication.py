"""`FakeAuthentication`: port `AuthenticationProtocol` over any identity and sessions, in one process."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NoReturn
from uuid import UUID

from framework_m_core.domain.clock import Clock, system_clock
from framework_m_core.domain.context import Principal
from framework_m_core.domain.documents.names import normalize_email
from framework_m_core.domain.errors import AuthenticationError, PermissionDeniedError, RateLimitError
from framework_m_core.interfaces.authentication import Credentials, Login
from framework_m_core.interfaces.identity import Identity, IdentityProtocol
from framework_m_core.interfaces.session import OpenedSession, Session, SessionKind, SessionProtocol
from framework_m_testing.fakes.session import hash_secret

__all__ = ["FakeAuthentication"]

_FAILURES: Final = 10
_QUARTER: Final = timedelta(minutes=15)


class _CsrfError(PermissionDeniedError):
    """An unsafe request of a cookie session without its CSRF token."""

    code = "csrf_failed"


@dataclass(frozen=True)
class _Access:
    """The session of an access token, and when the token expires."""

    session_id: UUID
    expires: datetime


class FakeAuthentication:
    """Authentication without a cache: every request asks the identity and the sessions.

    `addresses` records where logins came from. While `failure` is set, every verification raises it.
    """

    def __init__(
        self,
        identity: IdentityProtocol,
        session: SessionProtocol,
        clock: Clock = system_clock,
        *,
        failures: int = _FAILURES,
        window: timedelta = _QUARTER,
        access: timedelta = _QUARTER,
    ) -> None:
        self.addresses: list[str] = []
        self.failure: Exception | None = None
        self._identity = identity
        self._session = session
        self._clock = clock
        self._failures = failures
        self._window = window
        self._access = access
        self._tokens: dict[str, _Access] = {}
        self._admitted: dict[str, Principal] = {}
        self._failed: dict[tuple[str, str], list[datetime]] = {}

    def admit(self, principal: Principal, token: str | None = None) -> str:
        """Return an access token, by default a random one, for a principal without a user; it is valid until logout."""
        given = token or secrets.token_urlsafe()
        self._admitted[given] = principal
        return given

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """Return the principal, or None if no credentials are given."""
        if self.failure is not None:
            raise self.failure
        if credentials.authorization is None:
            session = await self._of_cookie(credentials)
        elif (token := _bearer(credentials.authorization)) in self._admitted:
            return self._admitted[token]
        else:
            session = await self._of_token(token)
        return _principal(await self._live_user(session)) if session else None

    async def login(self, username: str, password: str, *, address: str, kind: SessionKind) -> Login:
        """Begin a session; failures count per account and address."""
        self.addresses.append(address)
        key = (normalize_email(username), address)
        self._hold_up(key)
        user = await self._identity.verify_password(username, password)
        if user is None:
            self._failed.setdefault(key, []).append(self._clock())
            raise AuthenticationError("the email or the password is wrong")
        self._failed.pop(key, None)
        return self._login(user, await self._session.open(user.id, user.epoch, kind))

    async def refresh(self, refresh_token: str, *, address: str = "") -> Login:
        """Exchange a refresh token for new tokens; a spent token ends its session."""
        session_id, secret = _parts(refresh_token)
        session = await self._session.find(session_id)
        if session is None or session.kind is not SessionKind.TOKEN:
            _refuse()
        user = await self._live_user(session)
        opened = await self._session.rotate(session_id, secret, address=address)
        return self._login(user, opened) if opened else _refuse()

    async def logout(self, credentials: Credentials) -> None:
        """End the session of the credentials."""
        if await self.authenticate(credentials) is None:
            _refuse()
        if credentials.authorization is None:
            await self._session.end(_parts(credentials.session_cookie or "")[0])
            return
        token = _bearer(credentials.authorization)
        if self._admitted.pop(token, None) is None:
            await self._session.end(self._tokens.pop(token).session_id)

    async def _of_cookie(self, credentials: Credentials) -> Session | None:
        if not credentials.session_cookie:
            return None
        session_id, secret = _parts(credentials.session_cookie)
        session = await self._session.find(session_id)
        if session is None or session.kind is not SessionKind.COOKIE or session.secret_hash != hash_secret(secret):
            _refuse()
        await self._live_user(session)
        if credentials.unsafe and hash_secret(credentials.csrf_token or "") != session.csrf_hash:
            raise _CsrfError("the request lacks its CSRF token", rule="csrf")
        return session

    async def _of_token(self, token: str) -> Session:
        access = self._tokens.get(token)
        session = await self._session.find(access.session_id) if access else None
        if access is None or session is None or access.expires <= self._clock():
            _refuse()
        return session

    async def _live_user(self, session: Session) -> Identity:
        user = await self._identity.find(session.user_id)
        if user is None or not user.enabled or user.epoch != session.epoch:
            _refuse()
        return user

    def _hold_up(self, key: tuple[str, str]) -> None:
        now = self._clock()
        recent = [failed_at for failed_at in self._failed.get(key, ()) if failed_at + self._window > now]
        if len(recent) >= self._failures:
            wait = recent[-self._failures] + self._window - now
            raise RateLimitError("too many failed logins", retry_after=max(1, int(wait.total_seconds())))

    def _login(self, user: Identity, opened: OpenedSession) -> Login:
        session, carried = opened.session, f"{opened.session.id}.{opened.secret}"
        if session.kind is SessionKind.COOKIE:
            lifetime = int((session.expires - self._clock()).total_seconds())
            return Login(user, lifetime, session_cookie=carried, csrf_token=opened.csrf_token)
        token = secrets.token_urlsafe()
        self._tokens[token] = _Access(session.id, self._clock() + self._access)
        return Login(user, int(self._access.total_seconds()), access_token=token, refresh_token=carried)


def _principal(user: Identity) -> Principal:
    return Principal(str(user.id), user.roles, user.email, user.attributes)


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else _refuse()


def _parts(text: str) -> tuple[UUID, str]:
    session_id, _, secret = text.partition(".")
    try:
        return UUID(session_id), secret
    except ValueError:
        _refuse()


def _refuse() -> NoReturn:
    raise AuthenticationError("the credentials are invalid: log in again")
