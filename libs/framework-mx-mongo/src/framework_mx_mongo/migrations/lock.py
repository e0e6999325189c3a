"""`MigrationLock`: one run of migrations at a time.

Who holds the lock counts up a beat. A waiting run that sees the same beat for longer than a lease takes the lock from
one that has died, by its own clock alone. What a run records is written in a transaction with a check that it still
holds the lock, so that one which was paused too long records nothing.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from framework_m_core.spi import IntegrityError, MigrationError, RepositoryError
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.schema.recorder import RECORDS

__all__ = ["LEASE_SECONDS", "MigrationLock"]

LEASE_SECONDS: Final = 10.0
"""How long a run may be silent before another takes its lock."""

_log = logging.getLogger(__name__)
_POLL_SECONDS: Final = 0.1
_HOLDER: Final = "lock"
_BEAT: Final = "lock:beat"
_LOST: Final = "another run of migrations took over, because this one was silent for too long: run it again"
_WAITING: Final = "another run of migrations is in progress: waiting for its end"


class MigrationLock:
    """The lock of one database, held by one run."""

    def __init__(self, driver: MongoDriver, lease_seconds: float = LEASE_SECONDS) -> None:
        self._driver = driver
        self._lease = lease_seconds
        self._token: str | None = None

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold the lock, waiting for its release or the end of its holder's lease."""
        token = secrets.token_hex(16)
        await self._acquire(token)
        self._token = token
        beating = asyncio.create_task(self._beat(token))
        try:
            yield
        finally:
            self._token = None
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating
            with suppress(RepositoryError):  # the lease ends by itself
                await self._release(token)

    async def check(self, transaction: Transaction) -> None:
        """Raise MigrationError, in a transaction, if another run has taken the lock."""
        held = {"_id": {"$eq": _HOLDER}, "token": {"$eq": self._token}}
        changed = await transaction.run(
            RECORDS, lambda records, session: records.update_one(held, {"$inc": {"uses": 1}}, session=session)
        )
        if self._token is None or not changed.matched_count:
            raise MigrationError(_LOST)

    async def _acquire(self, token: str) -> None:
        clock = asyncio.get_running_loop().time
        seen: tuple[Any, Any] = (None, None)
        since, warned = clock(), False
        while not await self._take(token, None):
            found = await self._seen()
            if found != seen:
                seen, since = found, clock()
            elif clock() - since > self._lease and await self._take(token, seen[0]):
                return
            if not warned:
                _log.warning(_WAITING)
                warned = True
            await asyncio.sleep(_POLL_SECONDS)

    async def _take(self, token: str, holder: Any) -> bool:
        """Take the lock that nobody holds, or that this holder has."""
        free = {"_id": {"$eq": _HOLDER}, "token": {"$eq": holder}}
        try:
            with translate_errors():
                await self._records.update_one(free, {"$set": {"token": token}}, upsert=holder is None)
                found = await self._records.find_one({"_id": {"$eq": _HOLDER}})
        except IntegrityError:  # the document is there, and somebody holds the lock
            return False
        return bool(found and found["token"] == token)

    async def _seen(self) -> tuple[Any, Any]:
        with translate_errors():
            holder = await self._records.find_one({"_id": {"$eq": _HOLDER}})
            beat = await self._records.find_one({"_id": {"$eq": _BEAT}})
        return (holder and holder["token"], beat and beat["number"])

    async def _beat(self, token: str) -> None:
        while True:
            with suppress(RepositoryError), translate_errors():
                await self._records.update_one({"_id": _BEAT}, {"$inc": {"number": 1}}, upsert=True)
            await asyncio.sleep(self._lease / 5)

    async def _release(self, token: str) -> None:
        held = {"_id": {"$eq": _HOLDER}, "token": {"$eq": token}}
        with translate_errors():
            await self._records.update_one(held, {"$set": {"token": None}})

    @property
    def _records(self) -> Any:
        return self._driver.get_collection(RECORDS)
