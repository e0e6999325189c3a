"""`DocumentSessions`: port `SessionProtocol` over the DocType UserSession."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from framework_m_core.domain.clock import Clock, IdGenerator
from framework_m_core.domain.errors import TransientError, VersionConflictError
from framework_m_core.domain.filters.tree import And, Comparison
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.repository import RepositoryProtocol
from framework_m_core.interfaces.session import OpenedSession, Session, SessionKind
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.runtime.retry import retry
from framework_m_core.services.session_secrets import SessionRules, hash_secret, matches_hash
from framework_m_standard.auth.records import WritableRecords

__all__ = ["DocumentSessions"]

_SESSION = "UserSession"
_FIELDS = ("id", "user", "kind", "epoch", "expires", "secret_hash", "csrf_hash")
_NEWEST = (OrderSpec("modified", descending=True), OrderSpec("id", descending=True))


class DocumentSessions:
    """Sessions as documents; ending a session deletes its row."""

    def __init__(
        self,
        registry_handle: RegistryHandle,
        unit_of_work: UnitOfWorkFactoryProtocol,
        reader: DocumentReaderProtocol,
        session_rules: SessionRules,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._sessions = WritableRecords(registry_handle, unit_of_work, reader, clock, _SESSION, *_FIELDS)
        self._rules = session_rules
        self._secrets = session_rules.secrets
        self._clock = clock
        self._ids = ids

    async def open(self, user_id: UUID, epoch: int, kind: SessionKind) -> OpenedSession:
        """Begin a session, and delete the user's void, expired and excess sessions."""
        id = self._ids()
        secret, csrf = self._secrets.make_first(id)

        async def attempt() -> OpenedSession:
            now = self._clock()
            values = {
                "user": user_id, "kind": kind, "epoch": epoch, "expires": now + self._rules.lifetime,
                "secret_hash": hash_secret(secret), "csrf_hash": hash_secret(csrf),
            }  # fmt: skip
            context = self._sessions.make_context("begin a session")
            document = self._sessions.build(context, id, now, values)
            async with self._sessions.open_repository(context) as repository:
                await self._make_room(repository, user_id, epoch, now)
                await repository.insert(document)
            return OpenedSession(_session(document.__dict__), secret, csrf)

        return await retry(attempt)

    async def find(self, session_id: UUID) -> Session | None:
        """Return the session unless it has ended or expired."""
        row = await self._sessions.find("id", session_id)
        return _session(row) if row and row["expires"] > self._clock() else None

    async def rotate(self, session_id: UUID, secret: str, *, address: str = "") -> OpenedSession | None:
        """Exchange a refresh secret for a new one; a spent one ends the session, a wrong one changes nothing."""
        # of concurrent requests with one secret, the later ones see the first one's change on retry
        return await retry(lambda: self._rotate(session_id, secret, address), TransientError, VersionConflictError)

    async def end(self, session_id: UUID) -> None:
        """End a session; do nothing if it has already ended."""

        async def attempt() -> None:
            async with self._sessions.open_repository(self._sessions.make_context("end a session")) as repository:
                await repository.delete(session_id)

        await retry(attempt)

    async def _make_room(self, repository: RepositoryProtocol[Any], user_id: UUID, epoch: int, now: datetime) -> None:
        """Delete all but the user's newest live sessions, keeping one fewer than the maximum."""
        of_user = Comparison("user", "eq", user_id)
        live = And((of_user, Comparison("expires", "gt", now), Comparison("epoch", "eq", epoch)))
        kept: list[UUID] = []
        if (maximum := self._rules.max_per_user - 1) > 0:
            kept = [session.id for session in (await repository.list(live, _NEWEST, maximum)).items]
        await repository.delete_where(And((of_user, Comparison("id", "not_in", tuple(kept)))))

    async def _rotate(self, session_id: UUID, secret: str, address: str) -> OpenedSession | None:
        now = self._clock()
        fresh, csrf = self._secrets.make_next(session_id, secret, address)
        async with self._sessions.open_repository(self._sessions.make_context("refresh a session")) as repository:
            document = await repository.get(session_id)
            if document is None or document.expires <= now:
                return None
            if matches_hash(secret, document.secret_hash):
                document.secret_hash, document.csrf_hash = hash_secret(fresh), hash_secret(csrf)
                document.expires, document.modified = now + self._rules.lifetime, now
                await repository.update(document, expected_version=document.row_version)
            elif not (matches_hash(fresh, document.secret_hash) and now < document.modified + self._rules.grace):
                if self._secrets.is_known(session_id, secret):
                    await repository.delete(session_id)
                return None
        return OpenedSession(_session(document.__dict__), fresh, csrf)


def _session(row: Mapping[str, Any]) -> Session:
    return Session(
        id=row["id"], user_id=row["user"], kind=SessionKind(row["kind"]), epoch=row["epoch"], expires=row["expires"],
        secret_hash=row["secret_hash"], csrf_hash=row["csrf_hash"],
    )  # fmt: skip
