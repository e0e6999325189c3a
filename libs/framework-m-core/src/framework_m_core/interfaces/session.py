"""Port `SessionProtocol`: persistent logins that can be revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

__all__ = ["OpenedSession", "Session", "SessionKind", "SessionProtocol"]


class SessionKind(StrEnum):
    """How a session is carried: by bearer tokens or by a cookie."""

    TOKEN = "token"  # noqa: S105 - a kind, no secret
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class Session:
    """A live login. Secrets are kept only as hexadecimal SHA-256 hashes, which verifiers compare with."""

    id: UUID
    user_id: UUID
    kind: SessionKind
    epoch: int
    expires: datetime
    secret_hash: str
    csrf_hash: str


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session with its secrets in plain text, which exist only in this result."""

    session: Session
    secret: str
    csrf_token: str


class SessionProtocol(Protocol):
    """Storage of sessions.

    Contract: a secret is valid once; presenting a spent one ends the session, because one of two holders is a thief.
    For a grace period of at most a minute, the last spent secret yields the same result to the same address, as for two
    tabs that present it at once. A secret that the session never had changes nothing. If a user has too many sessions,
    those begun or refreshed longest ago end. Secrets are kept only as hashes.
    """

    async def open(self, user_id: UUID, epoch: int, kind: SessionKind) -> OpenedSession:
        """Begin a session; its lifetime is a setting of the adapter."""
        ...

    async def find(self, session_id: UUID) -> Session | None:
        """Return the session unless it has ended or expired."""
        ...

    async def rotate(self, session_id: UUID, secret: str, *, address: str = "") -> OpenedSession | None:
        """Exchange a refresh secret for a new one and renew the session's full lifetime.

        `address` is the client's. Return None if the secret is not the current one; a spent secret ends the session.
        """
        ...

    async def end(self, session_id: UUID) -> None:
        """End a session; do nothing if it has already ended. Raises TransientError."""
        ...
