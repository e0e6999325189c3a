"""`RedisCache`: port `CacheProtocol` in Redis, shared by all processes. Values are JSON texts, never objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from framework_m_core.spi import check_ttl, compile_key_pattern, decode_cached, encode_cached
from framework_m_standard.redis.client import RedisClient
from framework_m_standard.redis.entries import RedisEntries

__all__ = ["RedisCache"]


class RedisCache:
    """A cache in Redis. The server's `maxmemory` bounds it; a value has at most a million characters."""

    def __init__(self, redis_client: RedisClient) -> None:
        self._entries = RedisEntries(redis_client)

    async def get(self, key: str) -> Any:
        """Return the value, or None."""
        return (await self.get_many([key])).get(key)

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Store a value."""
        await self.set_many({key: value}, ttl)

    async def delete(self, key: str) -> bool:
        """Delete a key and return whether it had a value."""
        return await self._entries.unlink([key]) > 0

    async def exists(self, key: str) -> bool:
        """Return whether the key has a value."""
        return await self._entries.exists(key)

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of the keys that have one."""
        return {key: decode_cached(text) for key, text in (await self._entries.read(keys)).items()}

    async def set_many(self, values: Mapping[str, Any], ttl: float | None = None) -> None:
        """Store all values, or none if one is refused."""
        seconds = check_ttl(ttl)
        await self._entries.write({key: encode_cached(value) for key, value in values.items()}, seconds)

    async def delete_pattern(self, pattern: str) -> int:
        """Delete every key that matches the pattern and return their number."""
        return await self._entries.unlink_matching(compile_key_pattern(pattern))

    async def ttl(self, key: str) -> float | None:
        """Return the seconds until the key expires: 0 if it is absent, None if it does not expire."""
        return await self._entries.ttl(key)
