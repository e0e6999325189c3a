"""`WriteRunner`: units of work for writes, retried after conflicts, and done once for a key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, overload

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import (
    FrameworkError,
    IdempotencyConflictError,
    OutcomeUnknownError,
    TransientError,
    VersionConflictError,
)
from framework_m_core.interfaces.idempotency import IdempotencyProtocol, StoredResponse
from framework_m_core.interfaces.reader import Lock
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol, UnitOfWorkProtocol
from framework_m_core.services.runtime.retry import retry

__all__ = ["Errors", "Fresh", "IdempotentWrite", "Work", "WriteRunner"]


type Errors = tuple[type[Exception], ...]


type Work = Callable[[UnitOfWorkProtocol, Lock | None], Awaitable[Any]]
"""A write in a unit of work, with the lock that it takes of its document."""


@dataclass(frozen=True, slots=True)
class IdempotentWrite:
    """A write that is done once, however often it is requested. `to_response` makes the response to store."""

    key: str
    body_hash: str
    to_response: Callable[[Any], StoredResponse]


@dataclass(frozen=True, slots=True)
class Fresh:
    """The result of a write that has been done now; without a document if it deleted it."""

    document: Any


class WriteRunner:
    """Units of work for writes, and the stored responses of those with a key."""

    def __init__(self, units: UnitOfWorkFactoryProtocol, idempotency: IdempotencyProtocol) -> None:
        self._units = units
        self._idempotency = idempotency

    @overload
    async def run(self, context: RequestContext, work: Work, errors: Errors) -> Fresh: ...

    @overload
    async def run(
        self, context: RequestContext, work: Work, errors: Errors, idempotent: IdempotentWrite | None
    ) -> StoredResponse | Fresh: ...

    async def run(
        self, context: RequestContext, work: Work, errors: Errors, idempotent: IdempotentWrite | None = None
    ) -> StoredResponse | Fresh:
        """Run work in a savepoint of the caller's unit, or else in its own unit, retrying after the errors.

        The first try locks nothing, the others lock the document: of many writers at once, none is refused. A joined
        unit locks at once, since only the whole unit can be tried again. A keyed write, whose answer the caller has
        asked for in vain, is also retried when its outcome is unknown. When it fails because the same write has been
        stored meanwhile, the stored response is returned.
        """
        if context.unit is not None:
            with _for_the_whole_unit(errors):
                async with context.unit.savepoint():
                    return Fresh(await work(context.unit, "change"))
        lock: Lock | None = None

        async def attempt() -> StoredResponse | Fresh:
            nonlocal lock
            taken, lock = lock, "change"
            if (
                idempotent is not None
                and taken is not None
                and (stored := await self.find_response(context, idempotent)) is not None
            ):
                return stored
            async with self._units(context) as unit:
                result = await work(unit, taken)
                if idempotent is not None:
                    unit.remember(idempotent.to_response(result))
                await unit.commit()
                return Fresh(result)

        if idempotent is None:
            return await retry(attempt, *errors)
        try:
            return await retry(attempt, *errors, OutcomeUnknownError)
        except FrameworkError:
            if (stored := await self.find_response(context, idempotent)) is None:
                raise
            return stored

    async def find_response(self, context: RequestContext, idempotent: IdempotentWrite) -> StoredResponse | None:
        """Return the stored response of a write. Raises IdempotencyConflictError if its key was used for another."""
        response = await self._idempotency.find(context, idempotent.key)
        if response is not None and response.body_hash != idempotent.body_hash:
            raise IdempotencyConflictError("this Idempotency-Key was used with another body: use a new key")
        return response


@contextmanager
def _for_the_whole_unit(errors: Errors) -> Iterator[None]:
    """Raise TransientError for a retryable version conflict in a hook's call, as the hook's own reads may be stale."""
    try:
        yield
    except VersionConflictError as error:
        if VersionConflictError not in errors:
            raise
        raise TransientError("a document that a hook changes has been changed by another request: try again") from error
