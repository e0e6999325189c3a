"""`MongoIdempotency`: port `IdempotencyProtocol`."""

from __future__ import annotations

from datetime import datetime

from framework_m_core.spi import RequestContext, StoredResponse
from framework_mx_mongo.documents.records import read_response
from framework_mx_mongo.documents.values import to_microseconds
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.store import MongoStore

__all__ = ["MongoIdempotency"]


class MongoIdempotency:
    """Stored responses by key."""

    def __init__(self, mongo_store: MongoStore) -> None:
        self._store = mongo_store

    async def find(self, context: RequestContext, key: str) -> StoredResponse | None:
        """Return the response stored under a key, unless it has expired."""
        live = {"_id": {"$eq": key}, "expires": {"$gt": to_microseconds(context.clock())}}
        with translate_errors():
            found = await self._store.driver_for(context).get_collection("m_idempotency").find_one(live)
        return None if found is None else read_response(found)

    async def prune(self, now: datetime) -> int:
        """Delete the expired responses of all tenants and return their number."""
        expired, deleted = {"expires": {"$lte": to_microseconds(now)}}, 0
        for driver in self._store.list_drivers():
            with translate_errors():
                deleted += (await driver.get_collection("m_idempotency").delete_many(expired)).deleted_count
        return deleted
