"""`TwoLevelCache`: port `CacheProtocol` in Redis, with what was read lately kept in the process."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from framework_m_core.spi import (
    MAX_STORED_KEY,
    RecentEntries,
    RepositoryError,
    TransientError,
    check_key,
    check_ttl,
    compile_key_pattern,
    decode_cached,
    encode_cached,
)
from framework_m_standard.redis.client import AWAY, RedisClient, translate_errors
from framework_m_standard.redis.entries import RedisEntries

__all__ = ["TwoLevelCache"]

_log = logging.getLogger(__name__)

_LISTEN_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = 0.5


def _monotonic() -> datetime:
    """Return a time that nobody sets back: else a stale value could live longer than its bound."""
    return datetime.fromtimestamp(time.monotonic(), UTC)


class TwoLevelCache:
    """A cache in Redis whose values are also kept in the process that has read them, until they change.

    Every change is announced to all processes in its transaction. While a process cannot hear announcements, it keeps
    nothing; if one is lost nevertheless, its value is stale for at most `[redis] local_ttl_seconds`.
    """

    def __init__(self, redis_client: RedisClient) -> None:
        settings = redis_client.settings
        self._client = redis_client
        self._channel = redis_client.key_of("cache-changes")
        self._shared = RedisEntries(redis_client, self._channel)
        self._local = RecentEntries(settings.max_local_entries, settings.max_local_mb, _monotonic)
        self._local_ttl = settings.local_ttl_seconds
        self._silence = settings.command_timeout_seconds
        self._reads: list[set[str]] = []
        self._hears = False
        self._listening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to listen for changes."""
        self._listening = asyncio.create_task(self._listen(), name="cache changes")

    async def close(self) -> None:
        """Stop listening, and forget what is kept here."""
        task, self._listening = self._listening, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._forget_all()

    async def get(self, key: str) -> Any:
        """Return the value, or None."""
        return (await self.get_many([key])).get(key)

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Store a value."""
        await self.set_many({key: value}, ttl)

    async def delete(self, key: str) -> bool:
        """Delete a key and return whether it had a value."""
        try:
            return await self._shared.unlink([key]) > 0
        finally:
            self._forget([key])

    async def exists(self, key: str) -> bool:
        """Return whether the key has a value."""
        return await self._shared.exists(key)

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of the keys that have one: those kept here, the rest from Redis."""
        wanted = [check_key(key, MAX_STORED_KEY) for key in keys]
        kept = {key: text for key in wanted if (text := self._local.use(key)) is not None}
        read = await self._read([key for key in wanted if key not in kept])
        found = {**kept, **read}
        return {key: decode_cached(found[key]) for key in wanted if key in found}

    async def set_many(self, values: Mapping[str, Any], ttl: float | None = None) -> None:
        """Store all values, or none if one is refused."""
        seconds = check_ttl(ttl)
        texts = {key: encode_cached(value) for key, value in values.items()}
        try:
            await self._shared.write(texts, seconds)
        finally:
            self._forget(texts)

    async def delete_pattern(self, pattern: str) -> int:
        """Delete every key that matches the pattern and return their number."""
        matches = compile_key_pattern(pattern)
        try:
            return await self._shared.unlink_matching(matches)
        finally:
            self._forget_all()

    async def ttl(self, key: str) -> float | None:
        """Return the seconds until the key expires: 0 if it is absent, None if it does not expire."""
        return await self._shared.ttl(key)

    async def _read(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the texts of Redis, and keep those that did not change while they were read."""
        if not keys:
            return {}
        unchanged = set(keys) if self._hears else set[str]()
        self._reads.append(unchanged)
        try:
            found = await self._shared.read_with_ttl(keys)
        finally:
            self._reads = [read for read in self._reads if read is not unchanged]
        for key in unchanged & found.keys():
            text, left = found[key]
            seconds = self._local_ttl if left is None else min(left, self._local_ttl)
            self._local.put(key, text, _monotonic() + timedelta(seconds=seconds))
        return {key: text for key, (text, _) in found.items()}

    def _forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._local.drop(key)
            for read in self._reads:
                read.discard(key)

    def _forget_all(self) -> None:
        self._local.clear()
        for read in self._reads:
            read.clear()

    async def _listen(self) -> None:
        """Forget what is announced; while nothing can be heard, keep nothing."""
        while True:
            try:
                await self._hear()
            except RepositoryError as error:
                if self._hears:
                    _log.warning("the changes of the cache cannot be heard, so values are not kept: %s", error)
            except Exception:
                _log.exception("the changes of the cache cannot be heard, so values are not kept")
            finally:
                self._hears = False
                self._forget_all()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _hear(self) -> None:
        """Listen until the connection fails. Raises RepositoryError."""
        with translate_errors():
            async with self._client.connected.pubsub() as pubsub:
                await pubsub.subscribe(self._channel)
                heard = time.monotonic()
                while True:
                    message = await pubsub.get_message(timeout=_LISTEN_SECONDS)
                    if message is None:
                        if time.monotonic() - heard > self._silence:
                            raise TransientError(AWAY)
                        await pubsub.ping()
                        continue
                    heard = time.monotonic()
                    if message["type"] == "subscribe":
                        self._forget_all()
                        self._hears = True
                    elif message["type"] == "message":
                        self._forget(json.loads(message["data"]))
