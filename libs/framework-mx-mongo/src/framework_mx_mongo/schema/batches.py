"""Changes of all documents of a collection in bounded batches, in the order of their ids."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.engine.error_translation import translate_errors

__all__ = ["BATCH", "list_ranges", "update_in_batches"]

BATCH: Final = 500
"""The number of documents that one operation changes."""


async def list_ranges(
    driver: MongoDriver, collection: str, size: int | None = None
) -> AsyncIterator[Mapping[str, Any]]:
    """Yield the query of each batch of documents, by default of `BATCH`."""
    documents, after = driver.get_collection(collection), None
    while True:
        beyond: dict[str, Any] = {} if after is None else {"_id": {"$gt": after}}
        with translate_errors():
            found = await documents.find(beyond, {"_id": 1}).sort({"_id": 1}).limit(size or BATCH).to_list()
        if not found:
            return
        start: dict[str, Any] = {} if after is None else {"$gt": after}
        after = found[-1]["_id"]
        yield {"_id": {**start, "$lte": after}}


async def update_in_batches(
    driver: MongoDriver, collection: str, query: Mapping[str, Any], change: Any, *, is_validated: bool = False
) -> int:
    """Update the documents that match a query, and return their number; repeating it must do no harm.

    Unless it `is_validated`, the collection's validator does not apply, which may still be that of an older layout.
    """
    changed = 0
    async for part in list_ranges(driver, collection):
        with translate_errors():
            done = await driver.get_collection(collection).update_many(
                {"$and": [part, query]}, change, bypass_document_validation=not is_validated
            )
        changed += done.modified_count
    return changed
