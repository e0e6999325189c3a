"""`MemoryCache`: port `CacheProtocol` in one process. Each process has its own cache, which is lost when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from framework_m_core.spi import (
    MAX_STORED_KEY,
    Clock,
    RecentEntries,
    check_key,
    check_ttl,
    compile_key_pattern,
    decode_cached,
    encode_cached,
)
from framework_m_standard.memory.settings import MemorySettings

__all__ = ["MemoryCache"]


class MemoryCache:
    """A bounded cache that evicts the least recently used entries; `exists` and `ttl` do not count as use."""

    def __init__(self, memory_settings: MemorySettings, clock: Clock) -> None:
        self._entries = RecentEntries(memory_settings.max_cache_entries, memory_settings.max_cache_mb, clock)
        self._clock = clock

    async def get(self, key: str) -> Any:
        """Return the value, or None."""
        return self._values([key]).get(key)

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Store a value."""
        await self.set_many({key: value}, ttl)

    async def delete(self, key: str) -> bool:
        """Delete a key and return whether it had a value."""
        found = await self.exists(key)
        self._entries.drop(key)
        return found

    async def exists(self, key: str) -> bool:
        """Return whether the key has a value."""
        return _check(key) in self._entries

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of the keys that have one."""
        return self._values(keys)

    async def set_many(self, values: Mapping[str, Any], ttl: float | None = None) -> None:
        """Store all values, or none if one is refused."""
        seconds = check_ttl(ttl)
        expires = None if seconds is None else self._clock() + timedelta(seconds=seconds)
        for key, text in {_check(key): encode_cached(value) for key, value in values.items()}.items():
            self._entries.put(key, text, expires)

    async def delete_pattern(self, pattern: str) -> int:
        """Delete every key that matches the pattern and return their number."""
        matches = compile_key_pattern(pattern)
        found = [key for key in self._entries.list_live_keys() if matches(key)]
        for key in found:
            self._entries.drop(key)
        return len(found)

    async def ttl(self, key: str) -> float | None:
        """Return the seconds until the key expires: 0 if it is absent, None if it does not expire."""
        return self._entries.count_seconds_left(_check(key))

    def _values(self, keys: Iterable[str]) -> dict[str, Any]:
        found = {key: text for key in [_check(key) for key in keys] if (text := self._entries.use(key)) is not None}
        return {key: decode_cached(text) for key, text in found.items()}


def _check(key: str) -> str:
    return check_key(key, MAX_STORED_KEY)
