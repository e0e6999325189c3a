"""`MemoryCache`: port `CacheProtocol` in one process. Each process has its own cache, which is lost when it ends."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from framework_m_core.domain.cache_entries import MAX_STORED_KEY, check_key, check_ttl, key_matcher
from framework_m_core.domain.cached_values import decode_cached, encode_cached
from framework_m_core.domain.clock import Clock
from framework_m_standard.memory.settings import MemorySettings

__all__ = ["MemoryCache"]


@dataclass(frozen=True, slots=True)
class _Entry:
    """An encoded value and its expiry, if any."""

    text: str
    expires: datetime | None


class MemoryCache:
    """A bounded cache that evicts the least recently used entries; `exists` and `ttl` do not count as use."""

    def __init__(self, memory_settings: MemorySettings, clock: Clock) -> None:
        self._most = memory_settings.max_cache_entries
        self._most_characters = memory_settings.max_cache_mb * 1_000_000
        self._characters = 0
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def get(self, key: str) -> Any:
        """Return the value, or None."""
        return self._values([key]).get(key)

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Store a value."""
        await self.set_many({key: value}, ttl)

    async def delete(self, key: str) -> bool:
        """Delete a key and return whether it had a value."""
        found = self._live(key)
        self._forget(key)
        return found is not None

    async def exists(self, key: str) -> bool:
        """Return whether the key has a value."""
        return self._live(key) is not None

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of the keys that have one."""
        return self._values(keys)

    async def set_many(self, values: Mapping[str, Any], ttl: float | None = None) -> None:
        """Store all values, or none if one is refused."""
        seconds = check_ttl(ttl)
        expires = None if seconds is None else self._clock() + timedelta(seconds=seconds)
        entries = {
            check_key(key, MAX_STORED_KEY): _Entry(encode_cached(value), expires) for key, value in values.items()
        }
        for key, entry in entries.items():
            self._forget(key)
            self._entries[key] = entry
            self._characters += len(key) + len(entry.text)
        while len(self._entries) > self._most or self._characters > self._most_characters:
            self._forget(next(iter(self._entries)))

    async def delete_pattern(self, pattern: str) -> int:
        """Delete every key that matches the pattern and return their number."""
        matches = key_matcher(pattern)
        found = [key for key in list(self._entries) if matches(key) and self._live(key)]
        for key in found:
            self._forget(key)
        return len(found)

    async def ttl(self, key: str) -> float | None:
        """Return the seconds until the key expires: 0 if it is absent, None if it does not expire."""
        entry = self._live(key)
        if entry is None:
            return 0.0
        return None if entry.expires is None else max(0.0, (entry.expires - self._clock()).total_seconds())

    def _values(self, keys: Iterable[str]) -> dict[str, Any]:
        found = {key: entry for key in keys if (entry := self._live(key)) is not None}
        for key in found:
            self._entries.move_to_end(key)
        return {key: decode_cached(entry.text) for key, entry in found.items()}

    def _live(self, key: str) -> _Entry | None:
        """Return the entry of a key, if any, deleting it if it has expired."""
        entry = self._entries.get(check_key(key, MAX_STORED_KEY))
        if entry is not None and entry.expires is not None and entry.expires <= self._clock():
            self._forget(key)
            return None
        return entry

    def _forget(self, key: str) -> None:
        if entry := self._entries.pop(key, None):
            self._characters -= len(key) + len(entry.text)
