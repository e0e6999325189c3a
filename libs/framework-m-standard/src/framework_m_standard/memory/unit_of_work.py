"""`MemoryUnitOfWork`: port `UnitOfWorkProtocol`.

A unit waits for its turn before its first write, locking read or search for linking documents, and keeps the turn
until it ends. Every kind of lock means the same here: no other unit writes meanwhile. Once a commit applies its
changes it does not await, so that a cancellation cannot split it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, Self
from uuid import UUID

from framework_m_core.spi import (
    MAX_REFERRERS,
    AnyEvent,
    AuditEntry,
    DocStatus,
    FrameworkError,
    LinkedBy,
    ReadHandle,
    RequestContext,
    Row,
    StoreCapability,
    StoredResponse,
    TransientError,
    hash_key,
    run_shielded,
)
from framework_m_standard.memory.counter import increment
from framework_m_standard.memory.engine import rows as stored
from framework_m_standard.memory.engine.audit_trail import SealedEntry, seal
from framework_m_standard.memory.engine.referrers import find_holders
from framework_m_standard.memory.engine.rows import format_json
from framework_m_standard.memory.engine.selection import Rows
from framework_m_standard.memory.engine.store import MemoryStore
from framework_m_standard.memory.engine.transaction import Transaction
from framework_m_standard.memory.reader import Prepared
from framework_m_standard.memory.repository import MemoryRepository

__all__ = ["MemoryUnitOfWork", "MemoryUnitOfWorkFactory"]

_log = logging.getLogger(__name__)


class MemoryUnitOfWorkFactory:
    """Port `UnitOfWorkFactoryProtocol`."""

    capabilities = frozenset(StoreCapability)

    def __init__(self, memory_store: MemoryStore) -> None:
        self._store = memory_store

    def __call__(self, context: RequestContext) -> MemoryUnitOfWork:
        """Return a unit for a context, not yet open."""
        return MemoryUnitOfWork(self._store, self._store.registry_handle.pin(context))


class MemoryUnitOfWork:
    """A unit of work over one transaction, begun when first needed."""

    def __init__(self, store: MemoryStore, context: RequestContext) -> None:
        self.store = store
        self.context = context
        self._transaction: Transaction | None = None
        self._events: list[tuple[AnyEvent, str]] = []
        self._audits: list[SealedEntry] = []
        self._responses: list[StoredResponse] = []
        self._callbacks: list[Callable[[], Awaitable[None]]] = []
        self._beginning = asyncio.Lock()
        self._open = False

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._open:
            await self.rollback()

    def repository(self, doctype: str) -> MemoryRepository[Any]:
        """Return the repository of a DocType in this unit."""
        return MemoryRepository(self, self.context.registry.get(doctype))

    def rows_of(self, doctype: str) -> Rows:
        """Return the documents of a DocType as this unit sees them."""
        self._check_open()
        if self._transaction is None:
            return self.store.database.tables[doctype].rows
        return self._transaction.rows_of(doctype)

    async def open_transaction(self) -> Transaction:
        """Return the open transaction, beginning one if needed. Raises TransientError if the turn takes too long."""
        self._check_open()
        if self._transaction is None:
            async with self._beginning:
                await self._begin()
        transaction: Transaction = self._transaction  # type: ignore[assignment]
        return transaction

    async def _begin(self) -> None:
        """Take the turn unless another task of this unit has; release it if the unit has ended meanwhile."""
        self._check_open()
        if self._transaction is not None:
            return
        await self.store.database.begin()
        if not self._open:
            self.store.database.end()
            self._check_open()
        self._transaction = Transaction(self.store.database)

    async def fetch(self, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read that sees the unit's own writes."""
        prepared: Prepared = handle  # type: ignore[assignment]
        if prepared.locks:
            await self.open_transaction()
        return prepared.run(self.rows_of(prepared.doctype), values)

    async def find_referrers(
        self, doctype: str, id: UUID, linked_by: LinkedBy = "active"
    ) -> Sequence[tuple[str, UUID]]:
        """Return the other documents that link to this one."""
        referrers = self.context.registry.referrers.get(doctype, ())
        if linked_by == "submitted":
            referrers = tuple(one for one in referrers if one.refuses_cancelled)
        transaction, found = await self.open_transaction(), dict[tuple[str, str], tuple[str, UUID]]()
        for referrer in referrers:
            rows = (row for _, row in find_holders((referrer,), transaction, {hash_key(id)}))
            linking = (row["id"] for row in rows if row["id"] != id and _counts(row, linked_by))
            for one in islice(linking, MAX_REFERRERS):
                found[referrer.doctype, str(one)] = (referrer.doctype, one)
        return [*found.values()]

    async def allocate(self, prefix: str, n: int = 1) -> int:
        """Reserve `n` numbers of a counter in the transaction and return the first."""
        return increment((await self.open_transaction()).counters, prefix, n)

    def record(self, event: AnyEvent) -> None:
        """Add an event to the outbox."""
        self._check_open()
        self._events.append((event, format_json(event.data)))

    def audit(self, entry: AuditEntry) -> None:
        """Append an entry to the audit log."""
        self._check_open()
        self._audits.append(seal(entry))

    def remember(self, response: StoredResponse) -> None:
        """Store the response of a keyed write."""
        self._check_open()
        self._responses.append(response)

    def after_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Run a callback once the commit has succeeded."""
        self._check_open()
        self._callbacks.append(callback)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo only the writes and records of the block if it raises."""
        await self.flush()
        transaction = await self.open_transaction()
        mark = transaction.mark()
        recorded: tuple[list[Any], ...] = (self._events, self._audits, self._responses, self._callbacks)
        lengths = [len(one) for one in recorded]
        try:
            yield
            await self.flush()
        except BaseException:
            transaction.undo_to(mark)
            for one, length in zip(recorded, lengths, strict=True):
                del one[length:]
            raise

    async def flush(self) -> None:
        """Write stored responses to the transaction, so that a used key is detected now; documents are already there.

        Raises TransientError for a key that has an unexpired response.
        """
        self._check_open()
        if not self._responses:
            return
        transaction, now = await self.open_transaction(), self.context.clock()
        for response in self._responses:
            known = transaction.responses.get(response.key)
            if known is not None and known.expires > now:
                raise TransientError(
                    "another request has just done this write with the same key: try again for its response"
                )
            transaction.responses.put(response.key, response)
        self._responses.clear()

    async def commit(self) -> None:
        """Apply all changes atomically, then run the callbacks."""
        await self.flush()
        if self._events or self._audits:
            await self.open_transaction()
        self._commit()
        await run_shielded(self._run_callbacks())

    async def _run_callbacks(self) -> None:
        for callback in self._callbacks:
            try:
                await callback()
            except Exception:
                _log.exception("a callback after the commit failed")

    def _commit(self) -> None:
        transaction, self._transaction, self._open = self._transaction, None, False
        if transaction is None:
            return
        database = self.store.database
        transaction.apply()
        database.audit.append(self._audits)
        for event, data in self._events:
            database.append_event(event, data)
        database.end()

    async def rollback(self) -> None:
        """Discard all changes and close the unit."""
        transaction, self._transaction, self._open = self._transaction, None, False
        if transaction is not None:
            self.store.database.end()

    def _check_open(self) -> None:
        if not self._open:
            raise FrameworkError("the unit of work is closed: hooks cannot use it after their write has ended")


def _counts(row: stored.Row, linked_by: LinkedBy) -> bool:
    if linked_by == "all":
        return True
    counted = {DocStatus.SUBMITTED} if linked_by == "submitted" else {DocStatus.DRAFT, DocStatus.SUBMITTED}
    return row["deleted_at"] is None and row["docstatus"] in counted
