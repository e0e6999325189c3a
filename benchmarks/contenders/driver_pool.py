"""A pool of asyncpg connections whose statements are prepared once, handed out last in, first out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import asyncpg

__all__ = ["DriverPool", "Statements"]

type Statements = tuple[asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record], ...]


class DriverPool:
    """Lends each caller one connection's prepared statements; no reset and no ping on the way."""

    def __init__(self, lent: Sequence[Statements]) -> None:
        self._free = list(lent)
        self._waiting: deque[asyncio.Future[Statements]] = deque()

    @classmethod
    async def open(cls, url: str, statements: Sequence[str], size: int) -> DriverPool:
        """Connect `size` times and prepare `statements` on each connection."""
        lent = []
        for _ in range(size):
            connection = await asyncpg.connect(url)
            lent.append(tuple([await connection.prepare(text) for text in statements]))
        return cls(lent)

    async def fetchrow(self, index: int, *values: Any) -> asyncpg.Record | None:
        """The first row of statement `index`."""
        statements = await self._acquire()
        try:
            return await statements[index].fetchrow(*values)
        finally:
            self._release(statements)

    async def fetch(self, index: int, *values: Any) -> list[asyncpg.Record]:
        """All rows of statement `index`."""
        statements = await self._acquire()
        try:
            rows: list[asyncpg.Record] = await statements[index].fetch(*values)
            return rows
        finally:
            self._release(statements)

    async def _acquire(self) -> Statements:
        if self._free:
            return self._free.pop()
        waiter: asyncio.Future[Statements] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        return await waiter

    def _release(self, statements: Statements) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(statements)
                return
        self._free.append(statements)
