"""`DocumentSessions`: port `SessionProtocol` over the DocType UserSession."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from framework_m_core.domain.clock import Clock, IdGenerator
from framework_m_core.domain.errors import VersionConflictError
from framework_m_core.domain.filters import And, Comparison
from framework_m_core.domain.scope import RequestScope, system_scope
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.session import OpenedSession, Session, SessionKind
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.snapshot import Snapshot
from framework_m_core.services.retries import retrying
from framework_m_standard.auth.records import Records, new_record
from framework_m_standard.auth.settings import AuthSettings

__all__ = ["DocumentSessions", "hash_secret", "is_secret"]

_SESSION = "UserSession"
_FIELDS = ("id", "user", "kind", "epoch", "expires", "secret_hash", "csrf_hash")
_SECRET_OCTETS = 32


class DocumentSessions:
    """Sessions as documents; what ends one removes its row."""

    def __init__(
        self,
        snapshot: Snapshot,
        unit_of_work: UnitOfWorkFactoryProtocol,
        reader: DocumentReaderProtocol,
        auth_settings: AuthSettings,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._plan = snapshot.get(_SESSION)
        self._units = unit_of_work
        self._sessions = Records(reader, _SESSION, *_FIELDS)
        self._lifetime = timedelta(days=auth_settings.session_days)
        self._clock = clock
        self._ids = ids

    async def open(self, user_id: UUID, epoch: int, kind: SessionKind) -> OpenedSession:
        """Begins a session, and removes those of the user that have expired."""
        id, secret, csrf = self._ids(), _new_secret(), _new_secret()

        async def attempt() -> OpenedSession:
            now = self._clock()
            values = {
                "user": user_id, "kind": kind, "epoch": epoch, "expires": now + self._lifetime,
                "secret_hash": hash_secret(secret), "csrf_hash": hash_secret(csrf),
            }  # fmt: skip
            document = new_record(self._plan, id, now, values)
            expired = And((Comparison("user", "eq", user_id), Comparison("expires", "lte", now)))
            async with self._units(self._scope("begin a session")) as unit:
                await unit.repository(_SESSION).delete_where(expired)
                await unit.repository(_SESSION).insert(document)
                await unit.commit()
            return OpenedSession(_session(document.__dict__), secret, csrf)

        return await retrying(attempt)

    async def find(self, session_id: UUID) -> Session | None:
        """The session while it is neither ended nor expired."""
        row = await self._sessions.find("id", session_id)
        return _session(row) if row and row["expires"] > self._clock() else None

    async def rotate(self, session_id: UUID, secret: str) -> OpenedSession | None:
        """Trades a refresh secret for a new one; of two who present the same, none keeps the session."""

        async def attempt() -> OpenedSession | None:
            return await self._rotate(session_id, secret)

        try:
            rotated = await retrying(attempt)
        except VersionConflictError:
            rotated = None
        if rotated is None:
            await self.end(session_id)
        return rotated

    async def end(self, session_id: UUID) -> None:
        """Ends a session; ending one that is over does nothing."""

        async def attempt() -> None:
            async with self._units(self._scope("end a session")) as unit:
                await unit.repository(_SESSION).delete(session_id)
                await unit.commit()

        await retrying(attempt)

    async def _rotate(self, session_id: UUID, secret: str) -> OpenedSession | None:
        now, fresh, csrf = self._clock(), _new_secret(), _new_secret()
        async with self._units(self._scope("refresh a session")) as unit:
            document = await unit.repository(_SESSION).get(session_id)
            if document is None or document.expires <= now or not is_secret(secret, document.secret_hash):
                return None
            document.secret_hash, document.csrf_hash = hash_secret(fresh), hash_secret(csrf)
            document.expires, document.modified = now + self._lifetime, now
            await unit.repository(_SESSION).update(document, expected_version=document.row_version)
            await unit.commit()
        return OpenedSession(_session(document.__dict__), fresh, csrf)

    def _scope(self, reason: str) -> RequestScope:
        return system_scope(reason, source="http", clock=self._clock)


def hash_secret(secret: str) -> str:
    """What is stored of a secret. It has 256 random bits, so a plain hash cannot be guessed backwards."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_secret(secret: str, stored_hash: str) -> bool:
    """Whether a secret is the one that was hashed, in the same time whatever it is."""
    return secrets.compare_digest(hash_secret(secret), stored_hash)


def _new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_OCTETS)


def _session(row: Mapping[str, Any]) -> Session:
    return Session(
        id=row["id"], user_id=row["user"], kind=SessionKind(row["kind"]), epoch=row["epoch"], expires=row["expires"],
        secret_hash=row["secret_hash"], csrf_hash=row["csrf_hash"],
    )  # fmt: skip
