"""`MongoConsumers`: port `ConsumersProtocol`, over the collections `m_consumer` and `m_delivery`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import DeleteOne, ReplaceOne, ReturnDocument

from framework_m_core.spi import (
    ConsumerState,
    DueEvent,
    Interest,
    ParkedEvent,
    Progress,
    SetAside,
    StoredEvent,
    compute_latest_end,
    hash_key,
)
from framework_mx_mongo.documents.records import read_event
from framework_mx_mongo.documents.values import from_microseconds, to_microseconds
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.outbox import FRESH, number_events, read_last_position
from framework_mx_mongo.store import MongoStore

__all__ = ["MongoConsumers", "Stored"]

type Stored = dict[str, Any]


class MongoConsumers:
    """The stored consumers of a MongoDB store."""

    def __init__(self, mongo_store: MongoStore) -> None:
        self._driver = mongo_store.global_driver

    @property
    def _consumers(self) -> Any:
        return self._driver.get_collection("m_consumer")

    @property
    def _deliveries(self) -> Any:
        return self._driver.get_collection("m_delivery")

    async def register(self, interests: Mapping[str, Interest], now: datetime) -> None:
        """Store new consumers, which begin with the next event to be committed, or with all if they are the first."""
        with translate_errors():
            known = await self._consumers.find().to_list()
        if _changed(interests, known):
            await self._driver.within(lambda transaction: self._register(transaction, interests))

    async def _register(self, transaction: Transaction, interests: Mapping[str, Interest]) -> None:
        while await number_events(transaction):
            pass
        known = await transaction.run("m_consumer", lambda one, session: one.find({}, session=session).to_list())
        start = await read_last_position(transaction) if known else 0
        for name, interest in _changed(interests, known).items():
            change = {
                "$set": {"interest": list(interest.patterns)},
                "$setOnInsert": {"position": start, "holder": None, "expires": None},
            }
            await transaction.run("m_consumer", _upserting(name, change))

    async def read_interests(self) -> Mapping[str, Interest]:
        """Return the stored interests."""
        with translate_errors():
            known = await self._consumers.find().to_list()
        return {str(row["_id"]): Interest(row["interest"]) for row in known}

    async def lease(self, name: str, holder: str, now: datetime, duration: timedelta) -> int | None:
        """Take a lease and return the cursor."""
        free = [
            {"holder": {"$in": [None, holder]}},
            {"expires": {"$lte": to_microseconds(now)}},
            {"expires": {"$gt": to_microseconds(compute_latest_end(now, duration))}},
        ]
        held = {"$set": {"holder": holder, "expires": to_microseconds(now + duration)}}
        with translate_errors():
            found = await self._consumers.find_one_and_update(
                {"_id": {"$eq": name}, "$or": free}, held, return_document=ReturnDocument.AFTER
            )
        return None if found is None else int(found["position"])

    async def renew(self, name: str, holder: str, now: datetime, duration: timedelta) -> bool:
        """Renew the lease if this holder has it."""
        renewed = {"$set": {"expires": to_microseconds(now + duration)}}
        with translate_errors():
            return bool((await self._consumers.update_one(_held(name, holder), renewed)).matched_count)

    async def release(self, name: str, holder: str) -> None:
        """Release the lease if this holder has it."""
        with translate_errors():
            await self._consumers.update_one(_held(name, holder), {"$set": {"holder": None, "expires": None}})

    async def read_waiting(self, name: str) -> Sequence[tuple[int, str]]:
        """Return position and key of what is set aside and not parked."""
        return [(one["position"], one["key"]) async for one in self._waiting(name)]

    async def _waiting(self, name: str) -> AsyncIterator[Stored]:
        with translate_errors():
            async for one in self._deliveries.find(_of(name, parked=False)).sort({"position": 1}):
                yield one

    async def read_due(self, name: str, now: datetime, limit: int) -> Sequence[DueEvent]:
        """Return events set aside that are due, in order."""
        now_microseconds, held_back, found = to_microseconds(now), set[str](), dict[int, int]()
        async for one in self._waiting(name):
            if len(found) == limit:
                break
            if one["key"] in held_back:
                continue
            if one["retry_at"] is not None and one["retry_at"] > now_microseconds:
                held_back.add(one["key"])
            else:
                found[one["position"]] = one["attempts"]
        events = await self._events([*found])
        return [DueEvent(events[position], attempts) for position, attempts in found.items()]

    async def _events(self, positions: Sequence[int]) -> dict[int, StoredEvent]:
        with translate_errors():
            found = await self._driver.get_collection("m_outbox").find({"position": {"$in": positions}}).to_list()
        return {int(one["position"]): read_event(one) for one in found}

    async def save(self, name: str, holder: str, progress: Progress) -> bool:
        """Save a step in one transaction, if the holder has the lease."""
        advance = {"$set": {"position": progress.cursor}}
        if not progress.set_aside and not progress.handled:
            with translate_errors():
                return bool((await self._consumers.update_one(_held(name, holder), advance)).matched_count)
        changes: list[Any] = [_put(_row(name, one)) for one in progress.set_aside]
        changes += [DeleteOne({"_id": _id(name, position)}) for position in progress.handled]

        async def work(transaction: Transaction) -> bool:
            advanced = await transaction.run(
                "m_consumer", lambda one, session: one.update_one(_held(name, holder), advance, session=session)
            )
            if not advanced.matched_count:
                return False
            await transaction.run("m_delivery", lambda one, session: one.bulk_write(changes, session=session))
            return True

        return await self._driver.within(work)

    async def read_states(self, now: datetime, duration: timedelta) -> Sequence[ConsumerState]:
        """Return the state of each consumer."""
        with translate_errors():
            found = await self._consumers.find().sort({"_id": 1}).to_list()
        return [await self._state(one, now, duration) for one in found]

    async def _state(self, one: Stored, now: datetime, duration: timedelta) -> ConsumerState:
        name, events = one["_id"], self._driver.get_collection("m_outbox")
        with translate_errors():
            waiting = await self._deliveries.count_documents(_of(name, parked=False))
            parked = await self._deliveries.count_documents(_of(name, parked=True))
            first = await self._deliveries.find_one(_of(name, parked=False), sort={"position": 1})
            oldest = [
                await events.find_one({"position": {"$gt": one["position"]}}, sort={"position": 1}),
                await events.find_one({"position": {"$eq": first["position"]}}) if first else None,
                await events.find_one(FRESH, sort={"occurred_at": 1}),
            ]
        times = [event["occurred_at"] for event in oldest if event is not None]
        expires = None if one["holder"] is None else from_microseconds(one["expires"])
        leased = expires is not None and now < expires <= compute_latest_end(now, duration)
        since = from_microseconds(min(times)) if times else None
        return ConsumerState(name, Interest(one["interest"]), int(one["position"]), leased, waiting, parked, since)

    async def read_parked(self, name: str | None, limit: int) -> Sequence[ParkedEvent]:
        """Return parked events, the oldest first."""
        query = {"parked": True} if name is None else _of(name, parked=True)
        with translate_errors():
            cursor = self._deliveries.find(query).sort({"position": 1, "consumer": 1}).limit(limit)
            found = await cursor.to_list()
        events = await self._events([one["position"] for one in found])
        return [ParkedEvent(one["consumer"], events[one["position"]], one["attempts"], one["error"]) for one in found]

    async def retry(self, name: str, position: int | None = None) -> int:
        """Make failed events due now and return their number."""
        failed = [{"parked": {"$eq": True}}, {"retry_at": {"$ne": None}}]
        query: Stored = {"consumer": {"$eq": name}, "$or": failed}
        query |= {} if position is None else {"position": {"$eq": position}}
        anew = {"$set": {"parked": False, "attempts": 0, "retry_at": None}}
        with translate_errors():
            return int((await self._deliveries.update_many(query, anew)).matched_count)

    async def remove(self, name: str) -> bool:
        """Remove a consumer with its progress."""

        async def work(transaction: Transaction) -> bool:
            await transaction.run(
                "m_delivery", lambda one, session: one.delete_many({"consumer": {"$eq": name}}, session=session)
            )
            removed = await transaction.run(
                "m_consumer", lambda one, session: one.delete_one({"_id": {"$eq": name}}, session=session)
            )
            return bool(removed.deleted_count)

        return await self._driver.within(work)


def _changed(interests: Mapping[str, Interest], known: Sequence[Stored]) -> dict[str, Interest]:
    stored = {hash_key(one["_id"]): Interest(one["interest"]) for one in known}
    return {name: interest for name, interest in interests.items() if stored.get(name) != interest}


def _upserting(name: str, change: Mapping[str, Any]) -> Any:
    return lambda one, session: one.update_one({"_id": {"$eq": name}}, change, upsert=True, session=session)


def _held(name: str, holder: str) -> Stored:
    return {"_id": {"$eq": name}, "holder": {"$eq": holder}}


def _of(name: str, *, parked: bool) -> Stored:
    return {"consumer": {"$eq": name}, "parked": {"$eq": parked}}


def _put(row: Stored) -> ReplaceOne[Stored]:
    return ReplaceOne({"_id": row["_id"]}, row, upsert=True)


def _id(consumer: str, position: int) -> str:
    return f"{position}:{consumer}"


def _row(consumer: str, one: SetAside) -> Stored:
    return {
        "_id": _id(consumer, one.position),
        "consumer": consumer,
        "position": one.position,
        "key": one.key,
        "attempts": one.attempts,
        "retry_at": None if one.retry_at is None else to_microseconds(one.retry_at),
        "error": None if one.error is None else one.error[:1000].encode("utf-8", "replace").decode(),
        "parked": one.parked,
    }
