"""Access tokens: JWTs signed with HS256, for one session, valid for minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.errors import AuthenticationError

__all__ = ["AccessClaims", "AccessTokens"]

_ALGORITHM = "HS256"
_ISSUER = "framework-m"
_REQUIRED = ["iss", "sub", "sid", "epoch", "iat", "exp"]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The claims of an access token."""

    user_id: UUID
    session_id: UUID
    epoch: int
    expires: datetime


class AccessTokens:
    """Signing and reading of tokens; the algorithm is fixed, whatever a token's header says."""

    def __init__(self, key: bytes, lifetime: timedelta, clock: Clock) -> None:
        self._key = key
        self._lifetime = lifetime
        self._clock = clock

    @property
    def lifetime(self) -> int:
        """Seconds that a new token is valid."""
        return int(self._lifetime.total_seconds())

    def sign(self, user_id: UUID, session_id: UUID, epoch: int) -> str:
        """Return a new token for a session."""
        now = self._clock()
        claims = {
            "iss": _ISSUER,
            "sub": str(user_id),
            "sid": str(session_id),
            "epoch": epoch,
            "iat": int(now.timestamp()),
            "exp": int((now + self._lifetime).timestamp()),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> AccessClaims:
        """Return the claims of a token. Raises AuthenticationError if it is forged, malformed or expired."""
        # The library would compare with the system clock, but ours is injected.
        options = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False}
        try:
            found = jwt.decode(token, self._key, algorithms=[_ALGORITHM], issuer=_ISSUER, options=options)  # type: ignore[arg-type]
            expires = datetime.fromtimestamp(found["exp"], UTC)
            claims = AccessClaims(UUID(found["sub"]), UUID(found["sid"]), int(found["epoch"]), expires)
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise AuthenticationError("the access token is invalid: log in again") from error
        if claims.expires <= self._clock():
            raise AuthenticationError("the access token has expired: refresh it")
        return claims
