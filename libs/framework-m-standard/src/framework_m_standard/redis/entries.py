"""`RedisEntries`: encoded values by key in Redis, with messages about their changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import batched
from typing import Final

from framework_m_core.spi import MAX_STORED_KEY, check_key
from framework_m_standard.redis.client import RedisClient, translate_errors

__all__ = ["RedisEntries"]

_AT_ONCE: Final = 500
"""The most keys in one command, so that none keeps the server from others for long."""

_FOREVER, _GONE = -1, -2
"""What PTTL answers for a key that does not expire, and for one that does not exist."""


class RedisEntries:
    """Texts by key. `channel` is where each change is announced, in its own transaction, as a JSON list of keys."""

    def __init__(self, client: RedisClient, channel: str | None = None) -> None:
        self._client = client
        self._channel = channel
        self._prefix = client.key_of("cache", "").encode()

    async def read(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the texts of the keys that have one."""
        found: dict[str, str] = {}
        for some in batched(self._stored(keys).items(), _AT_ONCE):
            with translate_errors():
                texts = await self._client.connected.mget([stored for _, stored in some])
            found |= {key: text.decode() for (key, _), text in zip(some, texts, strict=True) if text is not None}
        return found

    async def read_with_ttl(self, keys: Iterable[str]) -> dict[str, tuple[str, float | None]]:
        """Return the texts of the keys that have one, each with its remaining seconds, if it expires."""
        found: dict[str, tuple[str, float | None]] = {}
        for some in batched(self._stored(keys).items(), _AT_ONCE):
            with translate_errors():
                async with self._client.connected.pipeline(transaction=True) as pipe:
                    pipe.mget([stored for _, stored in some])
                    for _, stored in some:
                        pipe.pttl(stored)
                    texts, *left = await pipe.execute()
            for (key, _), text, milliseconds in zip(some, texts, left, strict=True):
                if text is not None and milliseconds != _GONE:
                    found[key] = text.decode(), None if milliseconds == _FOREVER else milliseconds / 1000
        return found

    async def write(self, texts: Mapping[str, str], ttl: float | None) -> None:
        """Store all texts in one transaction."""
        if not texts:
            return
        milliseconds = None if ttl is None else max(1, int(ttl * 1000))
        with translate_errors():
            async with self._client.connected.pipeline(transaction=True) as pipe:
                for key, stored in self._stored(texts).items():
                    pipe.set(stored, texts[key].encode(), px=milliseconds)
                if self._channel is not None:
                    for some in batched(texts, _AT_ONCE):
                        pipe.publish(self._channel, json.dumps(some))
                await pipe.execute()

    async def unlink(self, keys: Sequence[str]) -> int:
        """Delete keys, and return how many of them existed."""
        if not keys:
            return 0
        with translate_errors():
            async with self._client.connected.pipeline(transaction=True) as pipe:
                pipe.unlink(*self._stored(keys).values())
                if self._channel is not None:
                    pipe.publish(self._channel, json.dumps(keys))
                deleted, *_ = await pipe.execute()
        return int(deleted)

    async def unlink_matching(self, matches: Callable[[str], object]) -> int:
        """Delete the keys for which a function is true, and return their number.

        The server only looks for this app's keys: its patterns mean another thing than those of the port.
        """
        glob, cursor, deleted = re.sub(rb"([\\*?\[\]])", rb"\\\1", self._prefix) + b"*", 0, 0
        while True:
            with translate_errors():
                cursor, found = await self._client.connected.scan(cursor, match=glob, count=_AT_ONCE)
            keys = [one[len(self._prefix) :].decode() for one in found]
            for some in batched(filter(matches, keys), _AT_ONCE):
                deleted += await self.unlink(some)
            if not cursor:
                return deleted

    async def exists(self, key: str) -> bool:
        """Return whether a key exists."""
        (stored,) = self._stored([key]).values()
        with translate_errors():
            return bool(await self._client.connected.exists(stored))

    async def ttl(self, key: str) -> float | None:
        """Return the seconds until a key expires: 0 if it is absent, None if it does not expire."""
        (stored,) = self._stored([key]).values()
        with translate_errors():
            milliseconds = await self._client.connected.pttl(stored)
        return None if milliseconds == _FOREVER else max(0, milliseconds) / 1000

    def _stored(self, keys: Iterable[str]) -> dict[str, bytes]:
        return {key: self._prefix + check_key(key, MAX_STORED_KEY).encode() for key in keys}
