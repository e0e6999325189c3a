"""`MongoReader`: port `DocumentReaderProtocol`. A document and its embedded rows are one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from framework_m_core.spi import CompiledDocType, Lock, OrderSpec, QueryTemplate, ReadHandle, RequestContext, Row
from framework_mx_mongo.documents.codec import Get, key_of
from framework_mx_mongo.documents.filter_compiler import Query, compile_filter
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.store import MongoStore

__all__ = ["MongoReader", "Prepared"]

_LACKS: Final = "m_lacks_"
"""Prefix of the computed keys that sort documents without a value last."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A query template compiled to a query, an order and a projection, with the getters of its fields."""

    doctype: str
    query: Query
    order: dict[str, int]
    lacking: dict[str, Any]
    projection: dict[str, Any]
    getters: tuple[Get, ...]
    paged: bool
    count: bool
    sizes: bool
    lock: Lock | None

    async def run(
        self,
        collection: AsyncCollection[dict[str, Any]],
        values: Sequence[Any],
        session: AsyncClientSession | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """Return the stored documents for these values, or for a count a single one with the number."""
        given = iter(values)
        query = self.query(given)
        if self.count:
            return [{"count": await collection.count_documents(query, session=session)}]
        limit, offset = (next(given), next(given)) if self.paged else (None, 0)
        if limit == 0:
            return []
        if self.lacking or self.sizes:
            return await (await collection.aggregate(self._pipeline(query, limit, offset), session=session)).to_list()
        cursor = collection.find(query, self.projection, skip=offset, limit=limit or 0, session=session)
        return await (cursor.sort(self.order) if self.order else cursor).to_list()

    def to_rows(self, found: Sequence[Mapping[str, Any]]) -> list[Row]:
        """Return the rows of stored documents."""
        if self.count:
            return [(found[0]["count"],)]
        if self.sizes:
            return [(int(one["size"]),) for one in found]
        return [tuple([get(one) for get in self.getters]) for one in found]

    def _pipeline(self, query: dict[str, Any], limit: int | None, offset: int) -> list[dict[str, Any]]:
        stages: list[dict[str, Any]] = [{"$match": query}]
        if self.lacking:
            stages.append({"$addFields": self.lacking})
        if self.order:
            stages.append({"$sort": self.order})
        if offset:
            stages.append({"$skip": offset})
        if limit is not None:
            stages.append({"$limit": limit})
        return [*stages, {"$project": self.projection}]


class MongoReader:
    """Reads of committed documents."""

    def __init__(self, mongo_store: MongoStore) -> None:
        self._store = mongo_store
        self.heavy_reads = mongo_store.global_driver.heavy_reads

    def prepare(self, template: QueryTemplate[CompiledDocType]) -> ReadHandle:
        """Compile a query template. Raises KeyError for unknown names."""
        plan = template.doctype
        codec = self._store.codec_of(plan)
        columns = {name: plan.specs[name] for name in plan.columns}
        order, lacking = _order(plan, template.order_by)
        prepared = Prepared(
            doctype=plan.name,
            query=compile_filter(template.where, columns),
            order=order,
            lacking=lacking,
            getters=tuple(codec.make_getter(part) for part in template.fields),
            projection={"size": codec.make_size(template.fields)}
            if template.sizes
            else codec.make_projection(template.fields),
            paged=template.paged,
            count=template.count,
            sizes=template.sizes,
            lock=template.lock,
        )
        return ReadHandle(prepared)

    async def fetch(self, context: RequestContext, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        """Run a prepared read."""
        prepared: Prepared = handle  # type: ignore[assignment]
        with translate_errors():
            found = await prepared.run(self._store.driver_for(context).get_collection(prepared.doctype), values)
        return prepared.to_rows(found)


def _order(plan: CompiledDocType, order_by: Sequence[OrderSpec]) -> tuple[dict[str, int], dict[str, Any]]:
    """Return the order, and the computed keys that it needs: nulls sort last only when descending."""
    order: dict[str, int] = {}
    lacking: dict[str, Any] = {}
    for one in order_by:
        if one.field not in plan.columns:
            raise KeyError(one.field)
        spec = plan.specs[one.field]
        key = key_of(spec.columns[0].name)
        if spec.nullable and not one.descending:
            order[_LACKS + key] = 1
            lacking[_LACKS + key] = {"$eq": [{"$ifNull": [f"${key}", None]}, None]}
        order[key] = -1 if one.descending else 1
    return order, lacking
