"""`FakeSessions`: port `SessionProtocol` in a dictionary."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from framework_m_core.domain.clock import Clock, IdGenerator, Uuid7Generator, system_clock
from framework_m_core.interfaces.session import OpenedSession, Session, SessionKind

__all__ = ["FakeSessions", "hashed"]

_FORTNIGHT: Final = timedelta(days=14)


class FakeSessions:
    """Sessions that are gone with the object; nothing in it waits, so no two calls are ever at work at once."""

    def __init__(
        self, clock: Clock = system_clock, *, lifetime: timedelta = _FORTNIGHT, ids: IdGenerator | None = None
    ) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._ids = ids or Uuid7Generator()
        self._sessions: dict[UUID, Session] = {}

    async def open(self, user_id: UUID, epoch: int, kind: SessionKind) -> OpenedSession:
        """Begins a session."""
        return self._keep(Session(self._ids(), user_id, kind, epoch, self._clock(), "", ""))

    async def find(self, session_id: UUID) -> Session | None:
        """The session while it is neither ended nor expired."""
        session = self._sessions.get(session_id)
        return session if session and session.expires > self._clock() else None

    async def rotate(self, session_id: UUID, secret: str) -> OpenedSession | None:
        """Trades a refresh secret for a new one; None, and the session ended, when it was not the current one."""
        session = await self.find(session_id)
        if session is None or hashed(secret) != session.secret_hash:
            await self.end(session_id)
            return None
        return self._keep(session)

    async def end(self, session_id: UUID) -> None:
        """Ends a session; ending one that is over does nothing."""
        self._sessions.pop(session_id, None)

    def _keep(self, session: Session) -> OpenedSession:
        secret, csrf = secrets.token_urlsafe(), secrets.token_urlsafe()
        expires = self._clock() + self._lifetime
        kept = replace(session, expires=expires, secret_hash=hashed(secret), csrf_hash=hashed(csrf))
        self._sessions[session.id] = kept
        return OpenedSession(kept, secret, csrf)


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
