"""Port `UnitOfWorkProtocol`: all or nothing, for one context."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Literal, Protocol, Self
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.events import AnyEvent
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.interfaces.idempotency import StoredResponse
from framework_m_core.interfaces.reader import ReadHandle, Row
from framework_m_core.interfaces.repository import RepositoryProtocol

__all__ = ["MAX_REFERRERS", "LinkedBy", "UnitOfWorkFactoryProtocol", "UnitOfWorkProtocol"]

MAX_REFERRERS: Final = 1_000
"""The most documents that are looked for behind one link field."""

type LinkedBy = Literal["active", "all", "submitted"]
"""Which linking documents are looked for."""


class UnitOfWorkProtocol(Protocol):
    """One transaction of documents, audit entries, events and a stored response.

    Contract: exiting the context manager without `commit` rolls back, as does any exception or cancellation; a commit
    that has begun completes before a cancellation is re-raised; everything recorded is stored together with the
    documents or not at all. A store may delay writes until `flush`, a read, a savepoint or `commit`.
    """

    @property
    def context(self) -> RequestContext:
        """The context that the unit works for."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exception: object) -> None: ...

    def repository(self, doctype: str) -> RepositoryProtocol[Any]:
        """Return the repository of a DocType in this unit. Raises DocTypeNotFoundError."""
        ...

    async def fetch(self, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read inside the unit, seeing its own writes and taking the template's lock."""
        ...

    async def find_referrers(
        self, doctype: str, id: UUID, linked_by: LinkedBy = "active"
    ) -> Sequence[tuple[str, UUID]]:
        """Return the other documents that link to this one, each once, as DocTypes and ids.

        `linked_by` selects live documents that are not cancelled ("active"), cancelled and deleted ones too ("all"), or
        live submitted ones by links that refuse cancelled targets ("submitted"). At most MAX_REFERRERS are returned for
        each link field. Raises DocTypeNotFoundError and TransientError.
        """
        ...

    async def allocate(self, prefix: str, n: int = 1) -> int:
        """Allocate numbers as `CounterProtocol` does, but inside the unit: other callers wait until it ends."""
        ...

    def record(self, event: AnyEvent) -> None:
        """Add an event to the outbox."""
        ...

    def audit(self, entry: AuditEntry) -> None:
        """Append an entry to the audit log."""
        ...

    def remember(self, response: StoredResponse) -> None:
        """Store the response to a keyed write."""
        ...

    def after_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Run a callback once the commit has succeeded; its failure is logged and changes nothing."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Return a context manager whose block rolls back alone if it raises, with everything recorded in it."""
        ...

    async def flush(self) -> None:
        """Send delayed writes, so that constraint and version errors surface now."""
        ...

    async def commit(self) -> None:
        """Commit everything, shielded from cancellation, then run the callbacks."""
        ...

    async def rollback(self) -> None:
        """Roll back everything and close the unit."""
        ...


class UnitOfWorkFactoryProtocol(Protocol):
    """Factory of units of work; lives as long as the app.

    `capabilities` are those of the whole store.
    """

    capabilities: frozenset[StoreCapability]

    def __call__(self, context: RequestContext) -> UnitOfWorkProtocol:
        """Return a unit of work for a context, not yet open."""
        ...
