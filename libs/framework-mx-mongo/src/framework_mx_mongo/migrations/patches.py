"""Patches on MongoDB: what they may take besides documents, and the record that they were applied."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from framework_m_core.spi import PatchFile, PatchStore
from framework_mx_mongo.engine.operations import find, insert, update_many
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.schema.recorder import record_patch
from framework_mx_mongo.unit_of_work import MongoUnitOfWork, MongoUnitOfWorkFactory

__all__ = ["PatchMongo", "make_patch_store"]


class PatchMongo:
    """Operations on collections in a patch's transaction, for what documents cannot do."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def find(self, collection: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the stored documents that match a query."""
        return await self._transaction.run(collection, find(query))

    async def insert(self, collection: str, documents: Sequence[dict[str, Any]]) -> None:
        """Store documents."""
        await self._transaction.run(collection, insert(documents))

    async def update(self, collection: str, query: Mapping[str, Any], change: Any) -> int:
        """Change the documents that match a query, and return their number."""
        return int((await self._transaction.run(collection, update_many(query, change))).modified_count)

    async def delete(self, collection: str, query: Mapping[str, Any]) -> int:
        """Delete the documents that match a query, and return their number."""
        found = await self._transaction.run(
            collection, lambda documents, session: documents.delete_many(query, session=session)
        )
        return int(found.deleted_count)


def make_patch_store(
    units: MongoUnitOfWorkFactory, check: Callable[[Transaction], Awaitable[None]]
) -> PatchStore[MongoUnitOfWork]:
    """Return how patches run over units of work; `check` raises an error if their run no longer holds the lock."""

    async def begin(unit: MongoUnitOfWork) -> Mapping[str, object]:
        return {"mongo": PatchMongo(await unit.open_transaction())}

    async def record(unit: MongoUnitOfWork, patch: PatchFile, applied_at: str) -> None:
        transaction = await unit.open_transaction()
        await check(transaction)
        await record_patch(transaction, patch, applied_at)

    return PatchStore(units, begin, record)
