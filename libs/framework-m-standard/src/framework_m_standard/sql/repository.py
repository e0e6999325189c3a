"""`SqlRepository`: port `RepositoryProtocol`, inside a `SqlUnitOfWork`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
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
    QueryTemplate,
    ReadHandle,
    Row,
    build_document,
    compare_rows,
    convert_row,
    dump_document,
    parameterize,
    select_stored_fields,
)
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.reader import SqlReader
from framework_m_standard.sql.store import SqlStore

__all__ = ["PendingWrite", "SqlRepository", "SqlWriter", "TableChanges"]

_NEWEST = (OrderSpec("creation", descending=True), OrderSpec("id", descending=True))


class TableChanges(NamedTuple):
    """The changes of a child table: which rows to delete, None for all, and those to insert, with their places."""

    deleted: Sequence[UUID] | None
    inserted: Sequence[tuple[int, Mapping[str, Any]]]


@dataclass(slots=True)
class PendingWrite:
    """A document to write: its columns in order, the changes of its child tables by field (those without any are left
    out) and, for an update, the expected version."""

    plan: CompiledDocType
    row: tuple[Any, ...]
    children: dict[str, TableChanges]
    expected_version: int | None = None


class SqlWriter(Protocol):
    """The part of the unit of work that a repository needs."""

    store: SqlStore
    reader: SqlReader

    def add(self, write: PendingWrite) -> None:
        """Add a write, to be sent with the next flush."""
        ...

    async def fetch(self, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read, which sees the unit's own writes."""
        ...

    async def flush(self) -> None:
        """Send the pending writes."""
        ...

    async def open_transaction(self) -> Transaction:
        """Return the open transaction; begin one if there is none."""
        ...


class SqlRepository[T: BaseModel]:
    """The documents of one DocType."""

    def __init__(self, unit: SqlWriter, plan: CompiledDocType) -> None:
        self._unit = unit
        self._plan = plan

    async def get(self, id: UUID, *, include_deleted: bool = False) -> T | None:
        """Return the document with this id, if any."""
        by_id = Comparison("id", "eq", id)
        return await self._first(by_id if include_deleted else And((by_id, LIVE)))

    async def get_by_name(self, name: str) -> T | None:
        """Return the live document with this name, if any."""
        return await self._first(And((Comparison("name", "eq", name), LIVE)))

    async def insert(self, document: T) -> T:
        """Add a new document."""
        vars(document)[VERSION_ATTRIBUTE] = 1
        self._add(document, None, dict.fromkeys(self._plan.children, ()))
        return document

    async def update(self, document: T, *, expected_version: int, stored: Mapping[str, Any] | None = None) -> T:
        """Replace a loaded document of the expected version; child rows that are as `stored` are not written."""
        vars(document)[VERSION_ATTRIBUTE] = expected_version + 1
        self._add(document, expected_version, stored)
        return document

    async def save(self, document: T) -> T:
        """Insert a new document; update a loaded one against the version that it carries."""
        version = vars(document)[VERSION_ATTRIBUTE]
        return await (self.update(document, expected_version=version) if version else self.insert(document))

    async def delete(self, id: UUID) -> bool:
        """Delete the row and its children permanently; return whether it existed.

        Raises LinkedDocumentError if other documents link to it.
        """
        await self._unit.flush()
        transaction = await self._unit.open_transaction()
        statements = self._unit.store.statements_of(self._plan)
        if statements.clear_own_links:
            await transaction.run_script("SAVEPOINT before_delete")
        try:
            for statement in statements.clear_own_links:
                await transaction.execute(statement, (id,))
            return await transaction.execute(statements.delete, (id,)) > 0
        except IntegrityError as error:
            if statements.clear_own_links:
                await transaction.run_script("ROLLBACK TO SAVEPOINT before_delete")
            raise LinkedDocumentError(
                f"other documents, perhaps deleted ones, link to this {self._plan.name}"
            ) from error

    async def exists(self, id: UUID) -> bool:
        """Return whether a live document has this id."""
        return await self.count(Comparison("id", "eq", id)) > 0

    async def count(self, where: Filter = EVERYTHING) -> int:
        """Return the number of matching live documents."""
        tree, parameters = parameterize(And((where, LIVE)))
        handle = self._unit.reader.prepare(QueryTemplate(self._plan, (), tree, count=True))
        return int((await self._unit.fetch(handle, parameters))[0][0])

    async def list(
        self,
        where: Filter = EVERYTHING,
        order_by: Sequence[OrderSpec] = (),
        limit: int = DEFAULT_LIMIT,
        offset: int = 0,
    ) -> PaginatedResult[T]:
        """Return a page of live documents, newest first by default."""
        found = await self._select(And((where, LIVE)), tuple(order_by) or _NEWEST, (limit + 1, offset))
        return PaginatedResult(found[:limit], None, limit, offset, has_more=len(found) > limit)

    async def bulk_save(self, documents: Sequence[T]) -> Sequence[T]:
        """Save each document, in order."""
        return [await self.save(document) for document in documents]

    async def update_where(self, where: Filter, values: Mapping[str, Any]) -> int:
        """Set scalar fields of all matching live documents, increment their versions, and return their number."""
        await self._unit.flush()
        tree, parameters = parameterize(where)
        statement = self._unit.store.statements_of(self._plan).update_where(tree, tuple(values))
        return await (await self._unit.open_transaction()).execute(statement, (*values.values(), *parameters))

    async def delete_where(self, where: Filter) -> int:
        """Delete all matching rows permanently, live or not, and return their number."""
        await self._unit.flush()
        tree, parameters = parameterize(where)
        statement = self._unit.store.statements_of(self._plan).delete_where(tree)
        return await (await self._unit.open_transaction()).execute(statement, parameters)

    async def stream(self, where: Filter = EVERYTHING, *, batch: int = 500) -> AsyncIterator[T]:
        """Yield all matching live documents by id, read in batches."""
        order: tuple[OrderSpec, ...] = (OrderSpec("id"),)
        after: Filter = EVERYTHING
        while found := await self._select(And((where, LIVE, after)), order, (batch, 0)):
            for document in found:
                yield document
            after = Comparison("id", "gt", vars(found[-1])["id"])

    async def _first(self, where: Filter) -> T | None:
        found = await self._select(where, (), None)
        return found[0] if found else None

    async def _select(
        self, where: Filter, order_by: tuple[OrderSpec, ...], paging: tuple[int, int] | None
    ) -> Sequence[T]:
        chosen = select_stored_fields(self._plan)
        tree, parameters = parameterize(where)
        template = QueryTemplate(self._plan, chosen, tree, order_by, paged=paging is not None)
        rows = await self._unit.fetch(self._unit.reader.prepare(template), (*parameters, *(paging or ())))
        return [build_document(self._plan, convert_row(chosen, row)) for row in rows]  # type: ignore[misc]

    def _add(self, document: T, expected_version: int | None, stored: Mapping[str, Any] | None) -> None:
        values = dump_document(self._plan, document)
        row = tuple([values[name] for name in self._plan.columns])
        children = {}
        for name in self._plan.children:
            changes = _table_changes(None if stored is None else stored[name], values[name])
            if changes.deleted is None or changes.deleted or changes.inserted:
                children[name] = changes
        self._unit.add(PendingWrite(self._plan, row, children, expected_version))


def _table_changes(stored: Sequence[Mapping[str, Any]] | None, rows: Sequence[Mapping[str, Any]]) -> TableChanges:
    """Return the changes of a child table; all rows are replaced if most of them differ or `stored` is unknown."""
    if stored is not None:
        deleted, written = compare_rows(stored, rows)
        if 2 * len(deleted) <= len(stored):
            return TableChanges(deleted, written)
    return TableChanges(None, list(enumerate(rows)))
