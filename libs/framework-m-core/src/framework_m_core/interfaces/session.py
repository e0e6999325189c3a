"""Port `SessionProtocol`: logins that last, and that can be ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

__all__ = ["OpenedSession", "Session", "SessionKind", "SessionProtocol"]


class SessionKind(StrEnum):
    """A session is carried by bearer tokens or by a cookie."""

    TOKEN = "token"  # noqa: S105 - a kind, no secret
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Session:
    """A live login. Secrets are kept as hashes only: SHA-256 in hexadecimal, by which whoever verifies one knows it."""

    id: UUID
    user_id: UUID
    kind: SessionKind
    epoch: int
    expires: datetime
    secret_hash: str
    csrf_hash: str


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session with its secrets in clear, which exist only in this answer."""

    session: Session
    secret: str
    csrf_token: str


class SessionProtocol(Protocol):
    """Keeps sessions.

    Contract: a secret is good once; presenting a spent one ends the session, because one of two holders is a thief.
    For a grace of a minute at most, the secret spent last brings the same answer to the same address, as to two tabs
    that present it at the same time. A secret that the session never had changes nothing. Of a user's sessions those
    begun or refreshed longest ago end where there are too many. Secrets are kept as hashes only.
    """

    async def open(self, user_id: UUID, epoch: int, kind: SessionKind) -> OpenedSession:
        """Begins a session; how long it lasts is the adapter's setting."""
        ...

    async def find(self, session_id: UUID) -> Session | None:
        """The session while it is neither ended nor expired."""
        ...

    async def rotate(self, session_id: UUID, secret: str, *, address: str = "") -> OpenedSession | None:
        """Trades a refresh secret for a new one, and gives the session its full time again.

        `address` is the client's. None when the secret is not the current one; when it is spent, the session is ended.
        """
        ...

    async def end(self, session_id: UUID) -> None:
        """Ends a session; ending one that is over does nothing."""
        ...
