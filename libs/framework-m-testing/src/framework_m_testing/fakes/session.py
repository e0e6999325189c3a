"""`FakeSessions`: port `SessionProtocol` in a dictionary."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from framework_m_core.domain.clock import Clock, IdGenerator, Uuid7Generator, system_clock
from framework_m_core.interfaces.session import OpenedSession, Session, SessionKind

__all__ = ["FakeSessions", "hash_secret"]

_FORTNIGHT: Final = timedelta(days=14)
_GRACE: Final = timedelta(seconds=10)
_MAX_SESSIONS: Final = 20


@dataclass
class _Kept:
    """A session, the time it was begun or refreshed, and the hashes of its spent secrets."""

    session: Session
    since: datetime
    spent: list[str] = field(default_factory=list)


class FakeSessions:
    """In-memory sessions. No method suspends, so no two calls ever interleave."""

    def __init__(
        self,
        clock: Clock = system_clock,
        *,
        lifetime: timedelta = _FORTNIGHT,
        grace: timedelta = _GRACE,
        maximum: int = _MAX_SESSIONS,
        ids: IdGenerator | None = None,
    ) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._ids = ids or Uuid7Generator()
        self._grace = grace
        self._maximum = maximum
        self._key = secrets.token_urlsafe()
        self._sessions: dict[UUID, _Kept] = {}

    async def open(self, user_id: UUID, epoch: int, kind: SessionKind) -> OpenedSession:
        """Begin a session; the user's oldest one ends if there are too many."""
        own = [kept for kept in self._sessions.values() if kept.session.user_id == user_id]
        for kept in sorted(own, key=lambda kept: kept.since)[: max(0, len(own) - self._maximum + 1)]:
            await self.end(kept.session.id)
        session = Session(self._ids(), user_id, kind, epoch, self._clock(), "", "")
        opened = self._renewed(session, secrets.token_urlsafe())
        self._sessions[session.id] = _Kept(opened.session, self._clock())
        return opened

    async def find(self, session_id: UUID) -> Session | None:
        """Return the session, or None if it is ended or expired."""
        kept = self._sessions.get(session_id)
        return kept.session if kept and kept.session.expires > self._clock() else None

    async def rotate(self, session_id: UUID, secret: str, *, address: str = "") -> OpenedSession | None:
        """Exchange a refresh secret for a new one; a spent one ends the session, a wrong one changes nothing."""
        session, now = await self.find(session_id), self._clock()
        if session is None:
            return None
        kept, opened = self._sessions[session_id], self._renewed(session, f"{secret} {address}")
        if hash_secret(secret) == session.secret_hash:
            kept.session, kept.since = opened.session, now
            kept.spent.append(hash_secret(secret))
            return opened
        if hash_secret(opened.secret) == session.secret_hash and now < kept.since + self._grace:
            return replace(opened, session=session)
        if hash_secret(secret) in kept.spent:
            await self.end(session_id)
        return None

    async def end(self, session_id: UUID) -> None:
        """End a session, if it still exists."""
        self._sessions.pop(session_id, None)

    def _renewed(self, session: Session, seed: str) -> OpenedSession:
        """Return the session with its full lifetime and secrets that are derived from the seed."""
        secret, csrf = [hash_secret(f"{self._key} {purpose} {session.id} {seed}") for purpose in ("secret", "csrf")]
        expires = self._clock() + self._lifetime
        renewed = replace(session, expires=expires, secret_hash=hash_secret(secret), csrf_hash=hash_secret(csrf))
        return OpenedSession(renewed, secret, csrf)


def hash_secret(secret: str) -> str:
    """Return the hash under which a secret is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
