"""`Transaction`: the operations of one unit of work, one at a time, with an undo log for savepoints.

MongoDB has no savepoints, so what must be undone alone is written back within the same transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from framework_m_core.spi import FrameworkError
from framework_mx_mongo.engine.error_translation import translate_commit_errors, translate_errors

__all__ = ["CLOSED", "Operation", "Transaction"]

CLOSED = "the unit of work is closed: hooks cannot use it after their write has ended"

type Operation[R] = Callable[[AsyncCollection[dict[str, Any]], AsyncClientSession], Awaitable[R]]


class Transaction:
    """A transaction in progress; several tasks may use it, and their operations wait for each other."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], session: AsyncClientSession) -> None:
        self._database = database
        self._session = session
        self._turn = asyncio.Lock()
        self._undo: list[tuple[str, Any, dict[str, Any] | None]] = []
        self._savepoints = 0
        self._sealed = self._ended = False

    @property
    def has_savepoint(self) -> bool:
        """Whether a savepoint is open, so that writes must be noted."""
        return self._savepoints > 0

    async def run[R](self, collection: str, operation: Operation[R], *, finishing: bool = False) -> R:
        """Run an operation on a collection. Raises FrameworkError if the transaction has ended or is sealed.

        Operations that are `finishing` may run in a sealed one.
        """
        async with self._turn:
            self._check_open(finishing)
            with translate_errors():
                result = await operation(self._database[collection], self._session)
            self._check_open(finishing)
            return result

    def note(self, collection: str, id: Any, before: dict[str, Any] | None) -> None:
        """Note what a document was before it is written, or None for one that is inserted."""
        if self._savepoints:
            self._undo.append((collection, id, before))

    def open_savepoint(self) -> int:
        """Begin to note writes; return the mark for `undo_to`."""
        self._savepoints += 1
        return len(self._undo)

    def close_savepoint(self) -> None:
        """Stop noting, once the outermost savepoint has ended."""
        self._savepoints -= 1
        if not self._savepoints:
            self._undo.clear()

    async def undo_to(self, mark: int) -> None:
        """Write back what was before the mark. Raises TransientError if the server has given the transaction up."""
        while len(self._undo) > mark:
            collection, id, before = self._undo.pop()
            await self.run(collection, _writing_back(id, before))

    def seal(self) -> None:
        """Refuse all further operations but finishing ones."""
        self._sealed = True

    async def commit(self) -> None:
        """Commit. Raises OutcomeUnknownError if the connection is lost meanwhile, TransientError on a conflict."""
        async with self._turn:
            self._ended = True
            try:
                with translate_commit_errors():
                    await self._session.commit_transaction()
            finally:
                await self._session.end_session()

    async def rollback(self) -> None:
        """Abort after the operation that is running."""
        self._ended = True
        async with self._turn:
            with translate_errors():
                await self._session.end_session()

    def _check_open(self, finishing: bool) -> None:
        if self._ended or (self._sealed and not finishing):
            raise FrameworkError(CLOSED)


def _writing_back(id: Any, before: dict[str, Any] | None) -> Operation[Any]:
    if before is None:
        return lambda collection, session: collection.delete_one({"_id": id}, session=session)
    return lambda collection, session: collection.replace_one({"_id": id}, before, upsert=True, session=session)
