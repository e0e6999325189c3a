"""Operations on a collection, to be run in a transaction or without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from framework_m_core.spi import TransientError
from framework_mx_mongo.engine.error_translation import CONTENDED
from framework_mx_mongo.engine.transaction import Operation

__all__ = ["find", "find_one", "increase", "increase_in", "insert", "update_many"]

type _Stored = dict[str, Any]


def find(
    query: Mapping[str, Any], projection: Mapping[str, int] | None = None, limit: int = 0
) -> Operation[list[_Stored]]:
    """Return the operation that finds documents: all, unless a limit is given."""
    return lambda collection, session: collection.find(query, projection, limit=limit, session=session).to_list()


def find_one(query: Mapping[str, Any], projection: Mapping[str, int] | None = None) -> Operation[_Stored | None]:
    """Return the operation that finds a document."""
    return lambda collection, session: collection.find_one(query, projection, session=session)


def insert(documents: Sequence[_Stored]) -> Operation[Any]:
    """Return the operation that inserts documents."""
    return lambda collection, session: collection.insert_many(documents, session=session)


def update_many(query: Mapping[str, Any], change: Mapping[str, Any]) -> Operation[Any]:
    """Return the operation that changes all documents."""
    return lambda collection, session: collection.update_many(query, change, session=session)


def increase(id: str, key: str, n: int) -> Operation[int]:
    """Return the operation that increases a number, from 0 if there is none, and returns the new one."""
    return lambda collection, session: increase_in(collection, id, key, n, session)


async def increase_in(
    collection: AsyncCollection[_Stored], id: str, key: str, n: int, session: AsyncClientSession | None = None
) -> int:
    """Increase a number, from 0 if there is none, and return the new one.

    Raises TransientError if another unit inserts it meanwhile, of which a server may tell by returning nothing.
    """
    found: Any = await collection.find_one_and_update(
        {"_id": {"$eq": id}}, {"$inc": {key: n}}, upsert=True, return_document=ReturnDocument.AFTER, session=session
    )
    if found is None:
        raise TransientError(CONTENDED, contended=True)
    return int(found[key])
