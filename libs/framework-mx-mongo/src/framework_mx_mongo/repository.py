"""`MongoRepository`: port `RepositoryProtocol`, inside a `MongoUnitOfWork`. Constraint errors are raised at once."""

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
    QueryTemplate,
    ReadHandle,
    RequestContext,
    Row,
    build_document,
    convert_row,
    dump_document,
    parameterize,
    select_stored_fields,
)
from framework_mx_mongo.documents.codec import encode_field
from framework_mx_mongo.documents.filter_compiler import compile_filter
from framework_mx_mongo.engine.writer import DocumentWriter
from framework_mx_mongo.reader import MongoReader
from framework_mx_mongo.store import MongoStore

__all__ = ["MongoRepository", "MongoWriter"]

_NEWEST = (OrderSpec("creation", descending=True), OrderSpec("id", descending=True))


class MongoWriter(Protocol):
    """The part of a unit of work that a repository needs."""

    store: MongoStore
    reader: MongoReader
    context: RequestContext

    async def fetch(self, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read, which sees the unit's own writes."""
        ...

    async def open_writer(self, plan: CompiledDocType) -> DocumentWriter:
        """Return the writer of a DocType's documents in the open transaction, beginning one if needed."""
        ...


class MongoRepository[T: BaseModel]:
    """The documents of one DocType."""

    def __init__(self, unit: MongoWriter, plan: CompiledDocType) -> None:
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
        """Insert a new document, with version 1."""
        writer = await self._unit.open_writer(self._plan)
        vars(document)[VERSION_ATTRIBUTE] = 1
        await writer.insert(self._stored(document, {}))
        return document

    async def update(self, document: T, *, expected_version: int, stored: Mapping[str, Any] | None = None) -> T:
        """Replace a loaded document; links that are as `stored` are not checked again.

        Raises VersionConflictError unless the stored version is `expected_version`.
        """
        writer = await self._unit.open_writer(self._plan)
        vars(document)[VERSION_ATTRIBUTE] = expected_version + 1
        await writer.update(self._stored(document, stored or {}), expected_version, stored)
        return document

    async def save(self, document: T) -> T:
        """Insert a new document (version 0), or update a loaded one against the version that it carries."""
        version = vars(document)[VERSION_ATTRIBUTE]
        return await (self.update(document, expected_version=version) if version else self.insert(document))

    async def delete(self, id: UUID) -> bool:
        """Delete the document permanently, and return whether it existed. Raises LinkedDocumentError."""
        try:
            return await self.delete_where(Comparison("id", "eq", id)) > 0
        except IntegrityError as error:
            raise LinkedDocumentError(
                f"other documents, perhaps deleted ones, link to this {self._plan.name}"
            ) from error

    async def exists(self, id: UUID) -> bool:
        """Return whether a live document has this id."""
        return await self.count(Comparison("id", "eq", id)) > 0

    async def count(self, where: Filter = EVERYTHING) -> int:
        """Return the number of live documents that match."""
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
        """Return a page of live documents, newest first unless ordered."""
        found = await self._select(And((where, LIVE)), tuple(order_by) or _NEWEST, (limit + 1, offset))
        return PaginatedResult(found[:limit], None, limit, offset, has_more=len(found) > limit)

    async def bulk_save(self, documents: Sequence[T]) -> Sequence[T]:
        """Save each document, in order."""
        return [await self.save(document) for document in documents]

    async def update_where(self, where: Filter, values: Mapping[str, Any]) -> int:
        """Set scalar fields of all live documents that match, increasing their versions, and return their number."""
        writer = await self._unit.open_writer(self._plan)
        changed: dict[str, Any] = {}
        for name, value in values.items():
            changed |= encode_field(self._plan.specs[name], value)
        return await writer.set_values(self._query(And((where, LIVE))), changed)

    async def delete_where(self, where: Filter) -> int:
        """Delete all matching documents permanently, live or not. Raises IntegrityError if others link to one."""
        writer = await self._unit.open_writer(self._plan)
        return await writer.remove(self._unit.context.registry, self._query(where))

    async def stream(self, where: Filter = EVERYTHING, *, batch: int = 500) -> AsyncIterator[T]:
        """Yield all live documents that match, by id, read in batches."""
        order, after = (OrderSpec("id"),), EVERYTHING
        while found := await self._select(And((where, LIVE, after)), order, (batch, 0)):
            for document in found:
                yield document
            after = Comparison("id", "gt", vars(found[-1])["id"])  # type: ignore[assignment]

    def _query(self, where: Filter) -> dict[str, Any]:
        tree, parameters = parameterize(where)
        return compile_filter(tree, self._plan.column_specs)(iter(parameters))

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

    def _stored(self, document: T, before: Mapping[str, Any]) -> dict[str, Any]:
        return self._unit.store.codec_of(self._plan).encode_document(dump_document(self._plan, document), before)
