"""`MongoUnitOfWork`: port `UnitOfWorkProtocol`, over one transaction, begun when first needed.

The server lets nobody wait for a row: of two transactions that write a document, one fails. So a lock is a promise
about the commit: what the unit has locked is touched then, which fails if anybody has changed it since the unit read
it, and the service does the unit again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self
from uuid import UUID

from framework_m_core.spi import (
    MAX_REFERRERS,
    AnyEvent,
    AuditEntry,
    CompiledDocType,
    DocStatus,
    FrameworkError,
    HashKey,
    IntegrityError,
    LinkedBy,
    ReadHandle,
    RepositoryError,
    RequestContext,
    Row,
    StoreCapability,
    StoredResponse,
    TransientError,
    hash_key,
    run_shielded,
)
from framework_mx_mongo.documents.indexes import LIVE_QUERY
from framework_mx_mongo.documents.records import audit_record, encode_event_record, encode_response_record
from framework_mx_mongo.documents.values import to_microseconds
from framework_mx_mongo.engine.operations import find, find_one, increase, insert, update_many
from framework_mx_mongo.engine.referrers import build_linking_query
from framework_mx_mongo.engine.transaction import CLOSED, Transaction
from framework_mx_mongo.engine.writer import DocumentWriter
from framework_mx_mongo.reader import MongoReader, Prepared
from framework_mx_mongo.repository import MongoRepository
from framework_mx_mongo.store import MongoStore

__all__ = ["MongoUnitOfWork", "MongoUnitOfWorkFactory"]

_log = logging.getLogger(__name__)

_TOUCHED: Final = "m_touched"
"""The key that a commit increases in the documents that its unit has locked."""

_COUNTED: Final[Mapping[LinkedBy, Mapping[str, Any]]] = {
    "active": {**LIVE_QUERY, "docstatus": {"$ne": int(DocStatus.CANCELLED)}},
    "all": {},
    "submitted": {**LIVE_QUERY, "docstatus": {"$eq": int(DocStatus.SUBMITTED)}},
}
"""Which linking documents count."""


@dataclass(slots=True)
class _Records:
    """What is recorded beside documents; audit entries and events are sent by the commit alone."""

    audits: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    responses: list[StoredResponse] = field(default_factory=list)
    callbacks: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def lengths(self) -> list[int]:
        """Return how much there is, for `cut`."""
        return [len(one) for one in self._lists]

    def cut(self, lengths: Sequence[int]) -> None:
        """Drop what was recorded later."""
        for one, length in zip(self._lists, lengths, strict=True):
            del one[length:]

    @property
    def _lists(self) -> tuple[list[Any], ...]:
        return (self.audits, self.events, self.responses, self.callbacks)


class MongoUnitOfWorkFactory:
    """Port `UnitOfWorkFactoryProtocol`."""

    capabilities: frozenset[StoreCapability] = frozenset()

    def __init__(self, mongo_store: MongoStore) -> None:
        self._store = mongo_store
        self._reader = MongoReader(mongo_store)

    def __call__(self, context: RequestContext) -> MongoUnitOfWork:
        """Return a unit of work for a context, not yet open."""
        return MongoUnitOfWork(self._store, self._reader, self._store.registry_handle.pin(context))


class MongoUnitOfWork:
    """A unit of work over one transaction."""

    def __init__(self, store: MongoStore, reader: MongoReader, context: RequestContext) -> None:
        self.store = store
        self.reader = reader
        self.context = context
        self._driver = store.driver_for(context)
        self._transaction: Transaction | None = None
        self._records = _Records()
        self._locked: dict[str, dict[HashKey, UUID]] = {}
        self._beginning = asyncio.Lock()
        self._open = False

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._open:
            await self.rollback()

    def repository(self, doctype: str) -> MongoRepository[Any]:
        """Return the repository of a DocType in this unit."""
        return MongoRepository(self, self.context.registry.get(doctype))

    async def open_writer(self, plan: CompiledDocType) -> DocumentWriter:
        """Return the writer of a DocType's documents in the open transaction, beginning one if needed."""
        return DocumentWriter(self.store, await self.open_transaction(), plan)

    async def fetch(self, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read, which sees the unit's own writes."""
        self._check_open()
        prepared: Prepared = handle  # type: ignore[assignment]
        if prepared.lock is None and self._transaction is None:
            return await self.reader.fetch(self.context, handle, values)
        transaction = await self.open_transaction()
        found: Sequence[Mapping[str, Any]] = await transaction.run(
            prepared.doctype, lambda collection, session: prepared.run(collection, values, session)
        )
        if prepared.lock is not None:
            locked = self._locked.setdefault(prepared.doctype, {})
            locked.update({hash_key(one["_id"]): one["_id"] for one in found})
        return prepared.to_rows(found)

    async def find_referrers(
        self, doctype: str, id: UUID, linked_by: LinkedBy = "active"
    ) -> Sequence[tuple[str, UUID]]:
        """Return the other documents that link to this one."""
        transaction = await self.open_transaction()
        found: dict[tuple[str, str], tuple[str, UUID]] = {}
        for referrer in self.context.registry.referrers.get(doctype, ()):
            if linked_by == "submitted" and not referrer.refuses_cancelled:
                continue
            query = {**build_linking_query(referrer, [id]), "_id": {"$ne": id}, **_COUNTED[linked_by]}
            linking = await transaction.run(referrer.doctype, find(query, {"_id": 1}, MAX_REFERRERS))
            found |= {(referrer.doctype, str(one["_id"])): (referrer.doctype, one["_id"]) for one in linking}
        return [*found.values()]

    async def allocate(self, prefix: str, n: int = 1) -> int:
        """Reserve `n` numbers of a counter in the transaction and return the first."""
        transaction = await self.open_transaction()
        await self._note(transaction, "m_counter", prefix)
        return await transaction.run("m_counter", increase(prefix, "value", n)) - n + 1

    def record(self, event: AnyEvent) -> None:
        """Add an event to the outbox."""
        self._check_open()
        self._records.events.append(encode_event_record(event))

    def audit(self, entry: AuditEntry) -> None:
        """Append an entry to the audit log."""
        self._check_open()
        self._records.audits.append(audit_record(entry))

    def remember(self, response: StoredResponse) -> None:
        """Store the response of a write with an idempotency key."""
        self._check_open()
        self._records.responses.append(response)

    def after_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Run a callback once the commit has succeeded."""
        self._check_open()
        self._records.callbacks.append(callback)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo only the writes and records of the block if it raises."""
        await self.flush()
        transaction = await self.open_transaction()
        mark, lengths = transaction.open_savepoint(), self._records.lengths()
        try:
            yield
            await self.flush()
        except BaseException:
            if self._open:
                self._records.cut(lengths)
                await run_shielded(transaction.undo_to(mark))
            raise
        finally:
            transaction.close_savepoint()

    async def flush(self) -> None:
        """Write stored responses, so that a used key is noticed now; documents are already written."""
        self._check_open()
        if not self._records.responses:
            return
        transaction, now = await self.open_transaction(), self.context.clock()
        responses = [*self._records.responses]
        self._records.responses.clear()
        for response in responses:
            await self._note(transaction, "m_idempotency", response.key)
            await self._remember(transaction, response, now)

    async def commit(self) -> None:
        """Commit everything, then run the callbacks; shielded from cancellation."""
        self._check_open()
        await run_shielded(self._commit_and_run_callbacks())

    async def rollback(self) -> None:
        """Roll everything back and close the unit."""
        self._open = False
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await run_shielded(_undo(transaction))

    async def open_transaction(self) -> Transaction:
        """Return the open transaction; begin one if there is none."""
        self._check_open()
        if self._transaction is None:
            async with self._beginning:
                self._check_open()
                if self._transaction is None:
                    self._transaction = await self._driver.begin()
        transaction: Transaction = self._transaction
        return transaction

    async def _commit_and_run_callbacks(self) -> None:
        await self._commit()
        for callback in self._records.callbacks:
            try:
                await callback()
            except Exception:
                _log.exception("a callback after the commit failed")

    async def _commit(self) -> None:
        """Close the unit, so that nothing more gets into it, then send the records and commit.

        Raises FrameworkError while another task is inside a savepoint: its write would be stored in part.
        """
        await self.flush()
        if self._records.audits or self._records.events:
            await self.open_transaction()
        transaction, self._transaction, self._open = self._transaction, None, False
        if transaction is None:
            return
        transaction.seal()
        try:
            if transaction.has_savepoint:
                raise FrameworkError("a task that a hook has started still writes: await it before the hook returns")
            await self._send_records(transaction)
            await self._touch_locked(transaction)
        except BaseException:
            await _undo(transaction)
            raise
        await transaction.commit()

    async def _send_records(self, transaction: Transaction) -> None:
        now = to_microseconds(self.context.clock())
        for place, event in enumerate(self._records.events):
            event |= {"recorded_at": now, "place": place}
        for collection, records in (("m_audit", self._records.audits), ("m_outbox", self._records.events)):
            if records:
                await transaction.run(collection, insert(records), finishing=True)

    async def _touch_locked(self, transaction: Transaction) -> None:
        for doctype, ids in self._locked.items():
            touch = update_many({"_id": {"$in": [*ids.values()]}}, {"$inc": {_TOUCHED: 1}})
            await transaction.run(doctype, touch, finishing=True)

    async def _remember(self, transaction: Transaction, response: StoredResponse, now: Any) -> None:
        expired = {"_id": {"$eq": response.key}, "expires": {"$lte": to_microseconds(now)}}
        change = {"$set": encode_response_record(response)}
        try:
            await transaction.run(
                "m_idempotency",
                lambda responses, session: responses.update_one(expired, change, upsert=True, session=session),
            )
        except IntegrityError as error:
            raise TransientError(
                "another request has just done this write with the same key: try again for its response"
            ) from error

    async def _note(self, transaction: Transaction, collection: str, id: str) -> None:
        if transaction.has_savepoint:
            before = await transaction.run(collection, find_one({"_id": {"$eq": id}}))
            transaction.note(collection, id, before)

    def _check_open(self) -> None:
        if not self._open:
            raise FrameworkError(CLOSED)


async def _undo(transaction: Transaction) -> None:
    try:
        await transaction.rollback()
    except RepositoryError as error:
        _log.warning("a rollback failed, the server will abort the transaction: %s", error)
