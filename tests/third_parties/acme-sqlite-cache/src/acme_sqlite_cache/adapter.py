"""`SqliteCache`: port `CacheProtocol`, in a file that several processes of one machine may share."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from acme_sqlite_cache.settings import SqliteCacheSettings
from framework_m_core.spi import (
    MAX_STORED_KEY,
    Clock,
    TransientError,
    check_key,
    check_ttl,
    compile_key_pattern,
    decode_cached,
    encode_cached,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = 1_000_000
_TABLE = """
    CREATE TABLE IF NOT EXISTS entry (
        written INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL, expires INTEGER
    )
"""
_SET = "INSERT OR REPLACE INTO entry (key, value, expires) VALUES (?, ?, ?)"
_FIND = "SELECT value, expires FROM entry WHERE key = ? AND (expires IS NULL OR expires > ?)"
_DELETE = "DELETE FROM entry WHERE key = ?"
_EVICT = "DELETE FROM entry WHERE written <= (SELECT written FROM entry ORDER BY written DESC LIMIT 1 OFFSET ?)"


class SqliteCache:
    """Values by key; those written first are evicted. SQLite runs in a thread, one call at a time."""

    def __init__(self, clock: Clock, acme_sqlite_cache_settings: SqliteCacheSettings) -> None:
        self._clock = clock
        self._settings = acme_sqlite_cache_settings
        self._turn = asyncio.Lock()
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file, which is made if it is missing."""
        await self._run(lambda connection: connection.execute("SELECT 1"))

    async def ping(self) -> None:
        """Raise TransientError if the file cannot be read."""
        await self._run(lambda connection: connection.execute("SELECT 1 FROM entry LIMIT 1"))

    async def close(self) -> None:
        """Close the file."""
        async with self._turn:
            if self._connection is not None:
                await asyncio.to_thread(self._connection.close)
                self._connection = None

    async def get(self, key: str) -> Any:
        """Return the value, or None."""
        return (await self.get_many([key])).get(key)

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Set the value of a key."""
        await self.set_many({key: value}, ttl)

    async def delete(self, key: str) -> bool:
        """Delete a key; return whether it existed."""
        return await self._delete([check_key(key, MAX_STORED_KEY)]) == 1

    async def exists(self, key: str) -> bool:
        """Return whether the key has a value."""
        return bool(await self._entries([key]))

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of those keys that have one."""
        return {key: decode_cached(value) for key, (value, _) in (await self._entries(keys)).items()}

    async def set_many(self, values: Mapping[str, Any], ttl: float | None = None) -> None:
        """Set several values in one transaction, or none if one is invalid."""
        seconds = check_ttl(ttl)
        expires = None if seconds is None else self._now() + round(seconds * _MICROSECONDS)
        rows = [(check_key(key, MAX_STORED_KEY), encode_cached(value), expires) for key, value in values.items()]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(_SET, rows)
            connection.execute(_EVICT, (self._settings.max_entries,))

        await self._run(write)

    async def delete_pattern(self, pattern: str) -> int:
        """Delete all matching keys and return their number."""
        matches = compile_key_pattern(pattern)
        keys = await self._run(lambda connection: connection.execute("SELECT key FROM entry").fetchall())
        return await self._delete([key for (key,) in keys if matches(key)])

    async def ttl(self, key: str) -> float | None:
        """Return the remaining seconds: 0 if the key does not exist, None if it never expires."""
        found = await self._entries([key])
        if key not in found:
            return 0.0
        _, expires = found[key]
        return None if expires is None else max(0.0, (expires - self._now()) / _MICROSECONDS)

    def _now(self) -> int:
        """Return microseconds since 1970: as floating seconds, a time would not come back as it was."""
        return (self._clock() - _EPOCH) // timedelta(microseconds=1)

    async def _entries(self, keys: Iterable[str]) -> dict[str, tuple[str, int | None]]:
        checked, now = [check_key(key, MAX_STORED_KEY) for key in keys], self._now()

        def find(connection: sqlite3.Connection) -> dict[str, tuple[str, int | None]]:
            found = {key: connection.execute(_FIND, (key, now)).fetchone() for key in checked}
            return {key: row for key, row in found.items() if row is not None}

        return await self._run(find)

    async def _delete(self, keys: list[str]) -> int:
        """Delete keys, and return the number of those that had not expired."""
        now = self._now()

        def delete(connection: sqlite3.Connection) -> int:
            live = [key for key in keys if connection.execute(_FIND, (key, now)).fetchone()]
            connection.executemany(_DELETE, [(key,) for key in keys])
            return len(live)

        return await self._run(delete)

    async def _run[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in a transaction; one that has begun ends before a cancellation is raised."""

        def call() -> T:
            try:
                with self._connected() as connection:
                    return work(connection)
            except sqlite3.Error as error:
                raise TransientError(f"the cache in {self._settings.file} cannot be used: {error}") from error

        async with self._turn:
            working = asyncio.ensure_future(asyncio.to_thread(call))
            try:
                return await asyncio.shield(working)
            finally:
                await asyncio.wait([working])

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            file = self._settings.file
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            opened = sqlite3.connect(file, timeout=self._settings.busy_timeout_seconds, check_same_thread=False)
            try:
                with closing(opened.execute("PRAGMA journal_mode = WAL")):
                    opened.execute(_TABLE)
            except sqlite3.Error:
                opened.close()
                raise
            self._connection = opened
        return self._connection
