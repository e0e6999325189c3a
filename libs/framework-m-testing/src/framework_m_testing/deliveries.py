"""Events of a test, handed to the app's handlers at once; a handler that fails fails the test."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

from framework_m_core.container.container import Container
from framework_m_core.interfaces.outbox import OutboxProtocol, OutboxRow
from framework_m_core.services.relay import OutboxRelay

__all__ = ["deliver_all"]


async def deliver_all(container: Container) -> None:
    """Delivers every event that waits, and those that the handlers cause, as the relay of a server does.

    Raises what a handler raised; its event then waits for the next delivery.
    """
    get, outbox = container.get, _StrictOutbox(container.get("outbox"))
    services = (get("documents"), get("idempotency"), get("clock"), get("equipment"))
    relay = OutboxRelay(get("snapshot"), outbox, *services)
    try:
        while await relay.work():
            pass
    except _HandlerFailedError as failed:
        raise failed.cause from None
    finally:
        await outbox.release_last()


class _HandlerFailedError(BaseException):
    """No `Exception`, so that nothing on the way takes it for the handler's own."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(cause)
        self.cause = cause


class _StrictOutbox:
    """The app's outbox, but that a failed delivery is raised and not tried again."""

    def __init__(self, outbox: OutboxProtocol) -> None:
        self._outbox = outbox
        self._holder = ""

    async def lease(self, holder: str, now: datetime, duration: timedelta) -> bool:
        self._holder = holder
        return await self._outbox.lease(holder, now, duration)

    async def release(self, holder: str) -> None:
        await self._outbox.release(holder)

    async def release_last(self) -> None:
        await self._outbox.release(self._holder)

    async def pending(self, now: datetime, limit: int) -> Sequence[OutboxRow]:
        return await self._outbox.pending(now, limit)

    async def mark_published(self, positions: Sequence[int], now: datetime) -> None:
        await self._outbox.mark_published(positions, now)

    async def mark_failed(self, position: int, error: str, retry_at: datetime | None) -> None:
        raise _HandlerFailedError(sys.exception() or RuntimeError(error))  # called while the error is handled

    async def prune(self, before: datetime) -> int:
        return await self._outbox.prune(before)
