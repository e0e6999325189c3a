"""Port `UnitOfWorkProtocol`: all or nothing, for one scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, Self
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.events import DomainEvent
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.interfaces.idempotency import StoredAnswer
from framework_m_core.interfaces.reader import ReadHandle, Row
from framework_m_core.interfaces.repository import RepositoryProtocol

__all__ = ["UnitOfWorkFactoryProtocol", "UnitOfWorkProtocol"]


class UnitOfWorkProtocol(Protocol):
    """One transaction with what belongs to it: documents, audit, events and a kept answer.

    Contract: leaving the context without `commit` rolls back, as does any exception and cancellation; a commit
    that has begun is finished before a cancellation is passed on; everything recorded is stored together with the
    documents or not at all. A store may delay writes until `flush`, a read, a savepoint or `commit`.
    """

    @property
    def context(self) -> RequestContext:
        """For whom the unit works."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exception: object) -> None: ...

    def repository(self, doctype: str) -> RepositoryProtocol[Any]:
        """The documents of a DocType in this unit. Raises DocTypeNotFoundError."""
        ...

    async def fetch(self, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Runs a prepared read inside the unit, seeing its own writes and taking the shape's lock."""
        ...

    async def linking(self, doctype: str, id: UUID, *, include_deleted: bool = False) -> Sequence[str]:
        """Return the names of the DocTypes that have live documents, or any, linking to this one."""
        ...

    async def allocate(self, prefix: str, n: int = 1) -> int:
        """`CounterProtocol.allocate` inside the unit, for a write that joins one: others wait until the unit ends."""
        ...

    def record(self, event: DomainEvent) -> None:
        """Adds an event to the outbox."""
        ...

    def audit(self, entry: AuditEntry) -> None:
        """Appends to the audit log."""
        ...

    def remember(self, answer: StoredAnswer) -> None:
        """Keeps the answer of a keyed write."""
        ...

    def after_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Runs a callback once the commit has succeeded; its failure is logged and changes nothing."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A part that is undone alone when it raises, with what was recorded in it."""
        ...

    async def flush(self) -> None:
        """Sends delayed writes, so that constraint and version errors surface now."""
        ...

    async def commit(self) -> None:
        """Makes everything durable, shielded from cancellation, then runs the callbacks."""
        ...

    async def rollback(self) -> None:
        """Undoes everything; the unit is closed."""
        ...


class UnitOfWorkFactoryProtocol(Protocol):
    """Makes units of work; lives as long as the app."""

    def __call__(self, context: RequestContext) -> UnitOfWorkProtocol:
        """A unit for a scope, not yet open."""
        ...
