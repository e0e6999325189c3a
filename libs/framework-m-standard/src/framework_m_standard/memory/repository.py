"""`MemoryRepository`: port `RepositoryProtocol`, inside a `MemoryUnitOfWork`. Constraint errors are raised at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.spi import (
    DEFAULT_LIMIT,
    EVERYTHING,
    LIVE,
    VERSION_ATTRIBUTE,
    And,
    Comparison,
    CompiledDocType,
    Filter,
    IntegrityError,
    LinkedDocumentError,
    OrderSpec,
    PaginatedResult,
    RequestContext,
    build_document,
    dump_document,
    hash_key,
)
from framework_m_standard.memory.engine.referrers import find_holders
from framework_m_standard.memory.engine.rows import Row, encode_value, row_of, values_of
from framework_m_standard.memory.engine.selection import Rows, select
from framework_m_standard.memory.engine.store import MemoryStore
from framework_m_standard.memory.engine.transaction import Transaction

__all__ = ["MemoryRepository", "MemoryWriter"]

_NEWEST = (OrderSpec("creation", descending=True), OrderSpec("id", descending=True))
_BY_ID = (OrderSpec("id"),)


class MemoryWriter(Protocol):
    """The part of a unit of work that a repository needs."""

    store: MemoryStore
    context: RequestContext

    def rows_of(self, doctype: str) -> Rows:
        """Return the documents of a DocType as this unit sees them."""
        ...

    async def open_transaction(self) -> Transaction:
        """Return the open transaction, beginning one if needed."""
        ...


class MemoryRepository[T: BaseModel]:
    """The documents of one DocType."""

    def __init__(self, unit: MemoryWriter, plan: CompiledDocType) -> None:
        self._unit = unit
        self._plan = plan

    async def get(self, id: UUID, *, include_deleted: bool = False) -> T | None:
        """Return the document with this id, if any."""
        by_id = Comparison("id", "eq", id)
        return self._first(by_id if include_deleted else And((by_id, LIVE)))

    async def get_by_name(self, name: str) -> T | None:
        """Return the live document with this name, if any."""
        return self._first(And((Comparison("name", "eq", name), LIVE)))

    async def insert(self, document: T) -> T:
        """Insert a new document, with version 1."""
        transaction = await self._unit.open_transaction()
        vars(document)[VERSION_ATTRIBUTE] = 1
        transaction.insert(self._plan, self._row(document, {}))
        return document

    async def update(self, document: T, *, expected_version: int, stored: Mapping[str, Any] | None = None) -> T:
        """Replace a loaded document. Raises VersionConflictError unless the stored version is `expected_version`."""
        transaction = await self._unit.open_transaction()
        vars(document)[VERSION_ATTRIBUTE] = expected_version + 1
        transaction.update(self._plan, self._row(document, stored or {}), expected_version)
        return document

    async def save(self, document: T) -> T:
        """Insert a new document (version 0), or update a loaded one against the version that it carries."""
        version = vars(document)[VERSION_ATTRIBUTE]
        return await (self.update(document, expected_version=version) if version else self.insert(document))

    async def delete(self, id: UUID) -> bool:
        """Delete the row and its children permanently, and return whether it existed. Raises LinkedDocumentError."""
        transaction = await self._unit.open_transaction()
        row = transaction.rows_of(self._plan.name).get(hash_key(id))
        if row is None:
            return False
        try:
            self._remove(transaction, [row])
        except IntegrityError as error:
            raise LinkedDocumentError(
                f"other documents, perhaps deleted ones, link to this {self._plan.name}"
            ) from error
        return True

    async def exists(self, id: UUID) -> bool:
        """Return whether a live document has this id."""
        return await self.count(Comparison("id", "eq", id)) > 0

    async def count(self, where: Filter = EVERYTHING) -> int:
        """Return the number of live documents that match."""
        return len(self._select(And((where, LIVE))))

    async def list(
        self,
        where: Filter = EVERYTHING,
        order_by: Sequence[OrderSpec] = (),
        limit: int = DEFAULT_LIMIT,
        offset: int = 0,
    ) -> PaginatedResult[T]:
        """Return a page of live documents, newest first unless ordered."""
        found = self._select(And((where, LIVE)), tuple(order_by) or _NEWEST)[offset:]
        items = [self._document(row) for row in found[:limit]]
        return PaginatedResult(items, None, limit, offset, has_more=len(found) > limit)

    async def bulk_save(self, documents: Sequence[T]) -> Sequence[T]:
        """Save each document, in order."""
        return [await self.save(document) for document in documents]

    async def update_where(self, where: Filter, values: Mapping[str, Any]) -> int:
        """Set scalar fields of all live documents that match, increasing their versions, and return their number."""
        transaction = await self._unit.open_transaction()
        given = Row({name: encode_value(self._plan.specs[name], value) for name, value in values.items()})
        found = self._select(And((where, LIVE)))
        with transaction.undo_statement():
            for row in found:
                transaction.set_values(self._plan, row, given)
        return len(found)

    async def delete_where(self, where: Filter) -> int:
        """Delete all matching rows permanently, live or not. Raises IntegrityError if others link to one."""
        transaction = await self._unit.open_transaction()
        found = self._select(where)
        self._remove(transaction, found)
        return len(found)

    async def stream(self, where: Filter = EVERYTHING, *, batch: int = 500) -> AsyncIterator[T]:
        """Yield all live documents that match, by id, read in batches."""
        after: Filter = EVERYTHING
        while found := self._select(And((where, LIVE, after)), _BY_ID)[:batch]:
            for row in found:
                yield self._document(row)
            after = Comparison("id", "gt", found[-1]["id"])

    def _remove(self, transaction: Transaction, rows: Sequence[Row]) -> None:
        """Delete rows together, so that they may link to each other. Raises IntegrityError if others link to one."""
        gone = {hash_key(row["id"]) for row in rows}
        with transaction.undo_statement():
            for row in rows:
                transaction.remove(self._plan, row)
            if gone and any(
                True
                for _ in find_holders(self._unit.context.registry.referrers.get(self._plan.name, ()), transaction, gone)
            ):
                raise IntegrityError("expected documents without links to them: delete those that link to them first")

    def _select(self, where: Filter, order_by: tuple[OrderSpec, ...] = ()) -> Sequence[Row]:
        return select(self._unit.rows_of(self._plan.name), where, order_by)

    def _first(self, where: Filter) -> T | None:
        found = self._select(where)
        return self._document(found[0]) if found else None

    def _document(self, row: Row) -> T:
        return build_document(self._plan, values_of(self._plan, row))  # type: ignore[return-value]

    def _row(self, document: T, before: Mapping[str, Any]) -> Row:
        return row_of(self._plan, dump_document(self._plan, document), before)
