"""`Places`: a bounded number of places for work that takes long, with at most a share of them for one caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from framework_m_core.domain.errors import RateLimitError, TransientError

__all__ = ["Places"]

_RETRY_SECONDS: Final = 2
_WAITING_PER_PLACE: Final = 8
"""How much work may wait per place, and work of one caller per place of a share."""


@dataclass(eq=False, slots=True)
class _Waiter:
    """Waiting work: its caller, and the future that is resolved when it gets a place."""

    caller: str
    turn: asyncio.Future[None]


class Places:
    """`capacity` places, at most half of them (at least one) for one caller; waiters are served in order."""

    def __init__(self, capacity: int, wait_seconds: float, work: str, advice: str) -> None:
        """Create places for which `work`, a plural, waits for at most `wait_seconds`; `advice` is for those refused."""
        self.capacity = capacity
        self.share = max(1, capacity // 2)
        self._wait_seconds = wait_seconds
        self._work, self._advice = work, advice
        self._running: dict[str, int] = {}
        self._taken = 0
        self._waiting: list[_Waiter] = []

    @asynccontextmanager
    async def place(self, caller: str) -> AsyncIterator[None]:
        """Hold a place. Raise RateLimitError past the caller's share and TransientError when none gets free."""
        await self._enter(caller)
        try:
            yield
        finally:
            self._leave(caller)

    async def _enter(self, caller: str) -> None:
        if self._is_free(caller):
            self._take(caller)
            return
        if not self._may_wait(caller):
            raise self._choose_error(caller)
        waiter = _Waiter(caller, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await waiter.turn
        except BaseException as error:
            self._give_up(waiter)
            if isinstance(error, TimeoutError):
                raise self._choose_error(caller) from None
            raise

    def _is_free(self, caller: str) -> bool:
        return self._taken < self.capacity and self._running.get(caller, 0) < self.share

    def _take(self, caller: str) -> None:
        self._taken += 1
        self._running[caller] = self._running.get(caller, 0) + 1

    def _leave(self, caller: str) -> None:
        self._taken -= 1
        self._running[caller] -= 1
        if not self._running[caller]:
            del self._running[caller]
        self._begin_waiting()

    def _begin_waiting(self) -> None:
        """Give a free place to the first waiter whose caller is within its share."""
        for waiter in self._waiting:
            if self._is_free(waiter.caller):
                self._waiting.remove(waiter)
                self._take(waiter.caller)
                waiter.turn.set_result(None)
                return

    def _give_up(self, waiter: _Waiter) -> None:
        """Stop waiting, passing on a place that was handed over meanwhile."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        elif waiter.turn.done() and not waiter.turn.cancelled():
            self._leave(waiter.caller)

    def _may_wait(self, caller: str) -> bool:
        mine = sum(waiter.caller == caller for waiter in self._waiting)
        room = len(self._waiting) < self.capacity * _WAITING_PER_PLACE
        return room and mine < self.share * _WAITING_PER_PLACE

    def _choose_error(self, caller: str) -> RateLimitError | TransientError:
        running = self._running.get(caller, 0)
        if running >= self.share:
            return RateLimitError(
                f"expected at most {self.share} concurrent {self._work} of one caller, got more: {self._advice}",
                retry_after=_RETRY_SECONDS,
            )
        return TransientError(f"expected at most {self.capacity} {self._work} at once, got more: try again")
