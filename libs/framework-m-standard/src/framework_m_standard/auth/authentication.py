"""`SessionAuthentication`: port `AuthenticationProtocol` by sessions, carried by cookies or bearer tokens."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import Principal
from framework_m_core.domain.errors import AuthenticationError
from framework_m_core.interfaces.authentication import Credentials, Login
from framework_m_core.interfaces.identity import Identity, IdentityProtocol
from framework_m_core.interfaces.session import OpenedSession, SessionKind, SessionProtocol
from framework_m_core.services.runtime.commit_listeners import CommitListeners
from framework_m_standard.auth.credentials.csrf import check_csrf
from framework_m_standard.auth.credentials.tokens import AccessTokens
from framework_m_standard.auth.settings import AuthSettings
from framework_m_standard.auth.strategies import (
    BearerStrategy,
    CookieStrategy,
    Strategy,
    Verified,
    join_secret,
    load_live_user,
    split_secret,
)
from framework_m_standard.auth.throttle import LoginThrottle
from framework_m_standard.auth.verified_credentials import VerifiedCredentials

__all__ = ["SessionAuthentication"]

_SECONDS_PER_DAY = 24 * 60 * 60
_WRONG = "the email or the password is wrong"


class SessionAuthentication:
    """Logins and verification of credentials. A verification is cached for a second, then repeated in the store."""

    def __init__(
        self,
        identity: IdentityProtocol,
        session: SessionProtocol,
        login_throttle: LoginThrottle,
        auth_settings: AuthSettings,
        commit_listeners: CommitListeners,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._session = session
        self._clock = clock
        self._cookie_lifetime = auth_settings.session_ttl_days * _SECONDS_PER_DAY
        self._tokens = AccessTokens(
            auth_settings.derive_key("access-token"), timedelta(minutes=auth_settings.access_token_ttl_minutes), clock
        )
        self._throttle = login_throttle
        self._strategies: tuple[Strategy, ...] = (
            BearerStrategy(identity, session, self._tokens),
            CookieStrategy(identity, session),
        )
        self._verified = VerifiedCredentials()
        commit_listeners.watch("User", self._forget)

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """Return the principal, or None if no credentials are given."""
        verified = await self._verify(credentials)
        return verified.principal if verified else None

    async def login(self, username: str, password: str, *, address: str, kind: SessionKind) -> Login:
        """Begin a session. Unknown users and wrong passwords take the same time and raise the same error."""
        await self._throttle.begin(username, address)
        user = await self._identity.verify_password(username, password)
        if user is None:
            raise AuthenticationError(_WRONG)
        await self._throttle.succeed(username, address)
        opened = await self._session.open(user.id, user.epoch, kind)
        if kind is SessionKind.TOKEN:
            return self._tokens_of(user, opened)
        cookie = join_secret(opened.session.id, opened.secret)
        return Login(user, self._cookie_lifetime, session_cookie=cookie, csrf_token=opened.csrf_token)

    async def refresh(self, refresh_token: str, *, address: str = "") -> Login:
        """Exchange a refresh token for new tokens.

        A spent token ends its session, except within the grace period at the same address.
        """
        session_id, secret = split_secret(refresh_token)
        session = await self._session.find(session_id)
        if session is None or session.kind is not SessionKind.TOKEN:
            raise AuthenticationError("the refresh token is invalid: log in again")
        user = await load_live_user(self._identity, session)
        opened = await self._session.rotate(session_id, secret, address=address)
        if opened is None:
            self._verified.drop(lambda known: known.session_id == session_id)
            raise AuthenticationError("the refresh token is invalid, or was used before: log in again")
        return self._tokens_of(user, opened)

    async def logout(self, credentials: Credentials) -> None:
        """End the session of the credentials, immediately on this worker."""
        verified = await self._verify(credentials)
        if verified is None:
            raise AuthenticationError("there is no session to end: no credentials were given")
        await self._session.end(verified.session_id)
        self._verified.drop(lambda known: known.session_id == verified.session_id)

    def _forget(self, user_id: UUID) -> None:
        """Drop the cached verifications of a user, because the user was changed."""
        self._verified.drop(lambda known: known.user_id == user_id)

    async def _verify(self, credentials: Credentials) -> Verified | None:
        """Verify the first kind of credential that is present, without falling back to others.

        Headers come first, since they are explicit, while a browser adds its cookies to every request.
        """
        for strategy in self._strategies:
            credential = strategy.find(credentials)
            if credential is not None:
                verified = await self._verify_cached(strategy, credential)
                if verified.csrf_hash is not None:
                    check_csrf(credentials, verified.csrf_hash)
                return verified
        return None

    async def _verify_cached(self, strategy: Strategy, credential: str) -> Verified:
        key = (type(strategy), credential)
        known = self._verified.get(key)
        if known is not None and known.expires > self._clock():
            return known
        stamp = self._verified.take_stamp()
        verified = await strategy.verify(credential)
        self._verified.put(key, verified, stamp)
        return verified

    def _tokens_of(self, user: Identity, opened: OpenedSession) -> Login:
        session = opened.session
        access = self._tokens.sign(user.id, session.id, session.epoch)
        refresh = join_secret(session.id, opened.secret)
        return Login(user, self._tokens.lifetime, access_token=access, refresh_token=refresh)
