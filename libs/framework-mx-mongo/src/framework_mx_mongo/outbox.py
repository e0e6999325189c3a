"""`MongoOutbox`: port `OutboxProtocol`, over the collection `m_outbox`.

Transactions commit in any order, so whoever reads first gives a position to what has been committed: an event comes
after all that were visible before it, and a transaction that takes long delays its own events alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import UpdateOne

from framework_m_core.spi import EventBatch, HashKey, hash_key, resolve_event_type, topic_of
from framework_mx_mongo.documents.layout import SCHEMA
from framework_mx_mongo.documents.records import read_event
from framework_mx_mongo.documents.values import to_microseconds
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.engine.operations import find_one, increase
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.store import MongoStore

__all__ = ["FRESH", "MongoOutbox", "Stored", "number_events", "read_last_position"]

FRESH: Final = {"position": {"$eq": None}}
"""The query for events without a position."""

_POSITIONS: Final = "m:outbox"
_NUMBERED_AT_ONCE: Final = 1000
_PRUNED_AT_ONCE: Final = 1000

type Stored = dict[str, Any]


async def read_last_position(transaction: Transaction) -> int:
    """Return the position of the newest event that has one."""
    found = await transaction.run(SCHEMA, find_one({"_id": {"$eq": _POSITIONS}}))
    return int(found["position"]) if found else 0


async def number_events(transaction: Transaction) -> bool:
    """Number committed events; return whether there may be more. Of two that do it at once, one fails."""
    fresh: list[Stored] = await transaction.run(
        "m_outbox",
        lambda events, session: (
            events.find(FRESH, {"document_id": 1, "version": 1, "index": 1}, session=session)
            .sort({"recorded_at": 1, "place": 1, "_id": 1})
            .limit(_NUMBERED_AT_ONCE)
            .to_list()
        ),
    )
    if not fresh:
        return False
    first = await transaction.run(SCHEMA, increase(_POSITIONS, "position", len(fresh))) - len(fresh) + 1
    changes = [
        UpdateOne({"_id": one["_id"]}, {"$set": {"position": position}})
        for position, one in enumerate(_in_order(fresh), first)
    ]
    await transaction.run("m_outbox", lambda events, session: events.bulk_write(changes, session=session))
    return len(fresh) == _NUMBERED_AT_ONCE


def _in_order(events: Sequence[Stored]) -> list[Stored]:
    """Return events in the order in which they were recorded, but those of one document in that of its versions.

    Times are those of several processes, whose clocks differ. Events about no document have version 0.
    """
    of_documents: dict[HashKey, list[Stored]] = defaultdict(list)
    for one in events:
        of_documents[hash_key(one["document_id"])].append(one)
    for same in of_documents.values():
        same.sort(key=lambda one: (one["version"], one["index"]))
        same.reverse()
    return [of_documents[hash_key(one["document_id"])].pop() for one in events]


class MongoOutbox:
    """The events of a MongoDB store."""

    def __init__(self, mongo_store: MongoStore) -> None:
        self._driver = mongo_store.global_driver

    async def read(self, after: int, limit: int, wanted: Callable[[str], bool]) -> EventBatch:
        """Return the wanted events after a position, of `limit` events."""
        await self._number()
        events = self._driver.get_collection("m_outbox")
        with translate_errors():
            found = await events.find({"position": {"$gt": after}}).sort({"position": 1}).limit(limit).to_list()
        read = [read_event(one) for one in found if wanted(topic_of(resolve_event_type(one["type"]), one["doctype"]))]
        return EventBatch(read, int(found[-1]["position"]) if found else after, len(found) == limit)

    async def _number(self) -> None:
        with translate_errors():
            any_fresh = await self._driver.get_collection("m_outbox").find_one(FRESH, {"_id": 1}) is not None
        while any_fresh:
            any_fresh = await self._driver.within(number_events)

    async def prune(self, before: datetime) -> int:
        """Delete old events that all consumers have passed, a stretch at a time, and return their number."""
        with translate_errors():
            cursors = await self._driver.get_collection("m_consumer").find({}, {"position": 1}).to_list()
        upto = min((one["position"] for one in cursors), default=1 << 62)
        deleted, start, oldest = 0, 0, to_microseconds(before)
        while stretch := await self._stretch(start, upto):
            deleted += await self._prune(stretch, oldest)
            start = stretch[-1]["position"]
            if stretch[-1]["occurred_at"] >= oldest:
                break
        return deleted

    async def _stretch(self, start: int, upto: int) -> list[Stored]:
        within = {"position": {"$gt": start, "$lte": upto}}
        with translate_errors():
            cursor = self._driver.get_collection("m_outbox").find(within, {"position": 1, "occurred_at": 1})
            return await cursor.sort({"position": 1}).limit(_PRUNED_AT_ONCE).to_list()

    async def _prune(self, stretch: Sequence[Stored], oldest: int) -> int:
        positions = [one["position"] for one in stretch if one["occurred_at"] < oldest]
        with translate_errors():
            set_aside = self._driver.get_collection("m_delivery").find(
                {"position": {"$in": positions}}, {"position": 1}
            )
            kept = {one["position"] for one in await set_aside.to_list()}
            gone = {"position": {"$in": [position for position in positions if position not in kept]}}
            return (await self._driver.get_collection("m_outbox").delete_many(gone)).deleted_count
