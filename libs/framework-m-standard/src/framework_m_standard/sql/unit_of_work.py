"""`SqlUnitOfWork`: port `UnitOfWorkProtocol`.

Writes are buffered until something must see them. On PostgreSQL a single document without children is then committed
by one statement with its audit entry and event; everything else uses a transaction. Reads before the first write need
no transaction unless they lock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Self
from uuid import UUID

from framework_m_core.spi import (
    AnyEvent,
    AuditEntry,
    FrameworkError,
    LinkedBy,
    PublishedEvent,
    ReadHandle,
    RepositoryError,
    RequestContext,
    Row,
    StoredResponse,
    TransientError,
    VersionConflictError,
    run_shielded,
)
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.reader import Prepared, SqlReader, run_prepared
from framework_m_standard.sql.referrers import ReferrerQueries
from framework_m_standard.sql.repository import PendingWrite, SqlRepository
from framework_m_standard.sql.schema.tables import AUDIT_SPECS
from framework_m_standard.sql.statements.documents import build_child_row
from framework_m_standard.sql.store import SqlStore

__all__ = ["SqlUnitOfWork", "SqlUnitOfWorkFactory", "audit_row", "encode_outbox_row", "encode_response_row"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pending:
    writes: list[PendingWrite] = field(default_factory=list)
    audits: list[AuditEntry] = field(default_factory=list)
    events: list[AnyEvent] = field(default_factory=list)
    responses: list[StoredResponse] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.writes or self.audits or self.events or self.responses)

    @property
    def is_single(self) -> bool:
        """True if one statement can write everything except child rows."""
        return len(self.writes) == len(self.audits) == len(self.events) == 1


class SqlUnitOfWorkFactory:
    """Port `UnitOfWorkFactoryProtocol`."""

    def __init__(self, sql_store: SqlStore) -> None:
        self.capabilities = sql_store.capabilities
        self._store = sql_store
        self._reader = SqlReader(sql_store)
        self._referrers = ReferrerQueries(sql_store)

    def __call__(self, context: RequestContext) -> SqlUnitOfWork:
        """Return a unit of work for a context, not yet open."""
        return SqlUnitOfWork(self._store, self._reader, self._referrers, self._store.registry_handle.pin(context))


class SqlUnitOfWork:
    """A unit of work: one transaction, begun when first needed."""

    def __init__(self, store: SqlStore, reader: SqlReader, referrers: ReferrerQueries, context: RequestContext) -> None:
        self.store = store
        self.reader = reader
        self.context = context
        self.driver = store.driver_for(context)
        self._referrers = referrers
        self._transaction: Transaction | None = None
        self._pending = _Pending()
        self._callbacks: list[Callable[[], Awaitable[None]]] = []
        self._savepoints = 0
        self._beginning = asyncio.Lock()
        self._open = False

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._open:
            await self.rollback()

    def repository(self, doctype: str) -> SqlRepository[Any]:
        """Return the repository of a DocType in this unit."""
        return SqlRepository(self, self.context.registry.get(doctype))

    def add(self, write: PendingWrite) -> None:
        """Add a write, to be sent with the next flush."""
        self._check_open()
        self._pending.writes.append(write)

    def record(self, event: AnyEvent) -> None:
        """Add an event to the outbox."""
        self._check_open()
        self._pending.events.append(event)

    def audit(self, entry: AuditEntry) -> None:
        """Append an entry to the audit log."""
        self._check_open()
        self._pending.audits.append(entry)

    def remember(self, response: StoredResponse) -> None:
        """Store the response of a write with an idempotency key."""
        self._check_open()
        self._pending.responses.append(response)

    def after_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Run a callback once the commit has succeeded."""
        self._check_open()
        self._callbacks.append(callback)

    async def fetch(self, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read, which sees the unit's own writes."""
        self._check_open()
        prepared: Prepared = handle  # type: ignore[assignment]
        if self._pending or prepared.locks:
            await self.flush()
            return await run_prepared(await self.open_transaction(), prepared, values)
        if self._transaction is not None:
            return await run_prepared(self._transaction, prepared, values)
        return await self.reader.fetch(self.context, handle, values)

    async def find_referrers(
        self, doctype: str, id: UUID, linked_by: LinkedBy = "active"
    ) -> Sequence[tuple[str, UUID]]:
        """Return the other documents that link to this one."""
        await self.flush()
        transaction = await self.open_transaction()
        return await self._referrers.find_referrers(self.context.registry, transaction, doctype, id, linked_by)

    async def allocate(self, prefix: str, n: int = 1) -> int:
        """Reserve `n` numbers of a counter in the transaction and return the first."""
        transaction = await self.open_transaction()
        rows = await transaction.fetch(self.store.framework.allocate, (prefix, n))
        return int(rows[0][0]) - n + 1

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Roll back only the block if it raises."""
        await self.flush()
        transaction = await self.open_transaction()
        self._savepoints += 1
        name, callbacks = f"s{self._savepoints}", len(self._callbacks)
        await transaction.run_script(f"SAVEPOINT {name}")
        try:
            yield
            await self.flush()
        except BaseException:
            self._pending = _Pending()
            del self._callbacks[callbacks:]
            await run_shielded(transaction.run_script(f"ROLLBACK TO SAVEPOINT {name}"))
            raise
        await transaction.run_script(f"RELEASE SAVEPOINT {name}")

    async def open_transaction(self) -> Transaction:
        """Return the open transaction; begin one if there is none."""
        self._check_open()
        if self._transaction is None:
            async with self._beginning:
                await self._begin()
        transaction: Transaction = self._transaction  # type: ignore[assignment]
        return transaction

    async def _begin(self) -> None:
        """Begin the transaction unless another task of this unit has; roll it back if the unit ended meanwhile."""
        self._check_open()
        if self._transaction is not None:
            return
        begun = await self.driver.begin()
        if not self._open:
            await run_shielded(self._undo(begun))
            self._check_open()
        self._transaction = begun

    async def flush(self) -> None:
        """Send everything pending inside the transaction."""
        self._check_open()
        if not self._pending:
            return
        transaction, pending = await self.open_transaction(), self._pending
        self._pending = _Pending()
        traced = pending.is_single and self.driver.single_statement_writes
        for write in pending.writes:
            await (self._send_traced(transaction, write, pending) if traced else self._send(transaction, write))
            await self._send_children(transaction, write)
        if not traced:
            await self._send_traces(transaction, pending)
        for response in pending.responses:
            now = self.context.clock()
            if not self.driver.conditional_upserts:
                await transaction.execute(self.store.framework.discard_response, (response.key, now))
            row = (*encode_response_row(response), now)
            if not await transaction.execute(self.store.framework.insert_response, row):
                raise TransientError(
                    "another request has just done this write with the same key: try again for its response"
                )

    async def commit(self) -> None:
        """Commit everything, then run the callbacks; shielded from cancellation."""
        self._check_open()
        await run_shielded(self._commit_and_run_callbacks())

    async def _commit_and_run_callbacks(self) -> None:
        await self._commit()
        for callback in self._callbacks:
            try:
                await callback()
            except Exception:
                _log.exception("a callback after the commit failed")

    async def _commit(self) -> None:
        pending = self._pending
        if self._transaction is None and not pending:
            self._open = False
            return
        if self._is_one_statement(pending):
            self._open = False
            await self._send_alone(pending.writes[0], pending)
            return
        await self.flush()
        transaction = await self.open_transaction()
        self._open, self._transaction = False, None
        await transaction.commit()

    async def rollback(self) -> None:
        """Roll everything back and close the unit."""
        self._open = False
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await run_shielded(self._undo(transaction))

    async def _undo(self, transaction: Transaction) -> None:
        try:
            await transaction.rollback()
        except RepositoryError as error:
            _log.warning("a rollback failed, its connection was dropped: %s", error)

    def _is_one_statement(self, pending: _Pending) -> bool:
        alone = self._transaction is None and pending.is_single and not pending.responses
        return alone and self.driver.single_statement_writes and not pending.writes[0].children

    async def _send_alone(self, write: PendingWrite, pending: _Pending) -> None:
        statement, values = self._traced(write, pending)
        if not await self.driver.write(statement, values):
            raise _conflict(write)

    async def _send_traced(self, transaction: Transaction, write: PendingWrite, pending: _Pending) -> None:
        statement, values = self._traced(write, pending)
        if not await transaction.fetch(statement, values):
            raise _conflict(write)

    def _traced(self, write: PendingWrite, pending: _Pending) -> tuple[Any, tuple[Any, ...]]:
        statements = self.store.statements_of(write.plan)
        trace = (*audit_row(pending.audits[0]), *encode_outbox_row(pending.events[0]))
        if write.expected_version is None:
            return statements.insert_traced, (*write.row, *trace)
        return statements.update_traced, (*write.row, write.expected_version, *trace)

    async def _send(self, transaction: Transaction, write: PendingWrite) -> None:
        statements = self.store.statements_of(write.plan)
        if write.expected_version is None:
            await transaction.execute(statements.insert, write.row)
        elif not await transaction.execute(statements.update, (*write.row, write.expected_version)):
            raise _conflict(write)

    async def _send_children(self, transaction: Transaction, write: PendingWrite) -> None:
        statements, parent = self.store.statements_of(write.plan), write.row[0]
        for name, (deleted, inserted) in write.children.items():
            child = write.plan.children[name]
            of_table = statements.children[name]
            if deleted is None:
                await transaction.execute(of_table.delete_all, (parent,))
            elif deleted:
                await transaction.execute_many(of_table.delete, [(parent, row) for row in deleted])
            if inserted:
                laid_out = [build_child_row(child, parent, place, row) for place, row in inserted]
                await transaction.execute_many(of_table.insert, laid_out)

    async def _send_traces(self, transaction: Transaction, pending: _Pending) -> None:
        framework = self.store.framework
        for entry in pending.audits:
            await transaction.execute(framework.insert_audit, audit_row(entry))
        for event in pending.events:
            await transaction.execute(framework.insert_event, encode_outbox_row(event))

    def _check_open(self) -> None:
        if not self._open:
            raise FrameworkError("the unit of work is closed: hooks cannot use it after their write has ended")


def _conflict(write: PendingWrite) -> VersionConflictError:
    return VersionConflictError(
        f"the {write.plan.name} has changed or gone since version {write.expected_version}: read it again"
    )


audit_row: Callable[[AuditEntry], tuple[Any, ...]] = attrgetter(*AUDIT_SPECS)
"""Returns an audit entry in the order of its columns."""


def encode_outbox_row(event: AnyEvent) -> tuple[Any, ...]:
    """Return an event in the order of its columns; the key of a document's event is the document, and not stored."""
    return (
        event.id,
        event.type,
        event.doctype,
        event.document_id,
        event.version,
        event.index,
        event.occurred_at,
        event.actor,
        event.tenant,
        event.correlation_id,
        event.causation_id,
        event.schema_version,
        event.data,
        event.key if isinstance(event, PublishedEvent) else None,
    )


def encode_response_row(response: StoredResponse) -> tuple[Any, ...]:
    """Return a stored response in the order of its columns; the body is JSON and stored as text."""
    body = response.body.decode()
    return (response.key, response.body_hash, response.status, body, response.etag, response.location, response.expires)
