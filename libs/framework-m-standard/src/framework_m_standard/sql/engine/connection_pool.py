"""A pool of connections: the last one released is used first, and those who wait get theirs in turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from framework_m_core.spi import TransientError
from framework_m_standard.sql.engine.error_translation import UNAVAILABLE

__all__ = ["ConnectionPool"]


class ConnectionPool[C]:
    """At most `size` connections; `free` are those in no use, and `total` counts all."""

    def __init__(
        self, connect: Callable[[], Awaitable[C]], discard: Callable[[C], None], size: int, timeout: float
    ) -> None:
        self.free: list[C] = []
        self.total = 0
        self._connect = connect
        self._discard = discard
        self._size = size
        self._timeout = timeout
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = False

    async def open(self) -> None:
        """Make the first connection. Raises what connecting raises."""
        self.free.append(await self._connected())

    def close(self) -> list[C]:
        """Return the free connections, to be closed by the caller; the others are discarded when released."""
        self._closed = True
        free, self.free = self.free, []
        self.total -= len(free)
        return free

    async def take(self) -> C:
        """Return a free connection, a new one, or the next released. Raises TransientError if none is in time."""
        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    if self.free:
                        return self.free.pop()
                    if self.total < self._size:
                        return await self._connected()
                    await self._turn()
        except TimeoutError:
            raise TransientError(UNAVAILABLE) from None

    def release(self, connection: C, *, healthy: bool = True) -> None:
        """Take a connection back; discard it unless it is healthy."""
        if healthy and not self._closed:
            self.free.append(connection)
        else:
            self.total -= 1
            self._discard(connection)
        if self._waiting:
            self._wake()

    async def _connected(self) -> C:
        self.total += 1
        try:
            return await self._connect()
        except BaseException:
            self.total -= 1
            self._wake()
            raise

    async def _turn(self) -> None:
        """Wait until a connection is released; a cancelled waiter passes its turn on."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
