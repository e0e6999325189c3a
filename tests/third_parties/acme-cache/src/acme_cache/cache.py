"""`CountingCache`: port `CacheProtocol`, in a dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from acme_cache.settings import CacheSettings
from framework_m_core.spi import MAX_STORED_KEY, check_key, check_ttl, compile_key_pattern, decode_cached, encode_cached


class CountingCache:
    """Values by key; it is open between `open` and `close`."""

    def __init__(self, acme_cache_settings: CacheSettings) -> None:
        self.cluster = acme_cache_settings.cluster
        self._prefix = acme_cache_settings.prefix
        self._values: dict[str, str] = {}
        self.events: list[str] = []

    async def open(self) -> None:
        """Begin."""
        self.events.append("open")

    async def ping(self) -> None:
        """Answer."""
        self.events.append("ping")

    async def close(self) -> None:
        """End."""
        self.events.append("close")

    async def get(self, key: str) -> Any:
        """Return the value, or None."""
        text = self._values.get(self._prefix + key)
        return None if text is None else decode_cached(text)

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Keep a value."""
        check_ttl(ttl)
        self._values[self._prefix + check_key(key, MAX_STORED_KEY)] = encode_cached(value)

    async def delete(self, key: str) -> bool:
        """Forget a key; return whether it was there."""
        return self._values.pop(self._prefix + key, None) is not None

    async def exists(self, key: str) -> bool:
        """Return whether the key has a value."""
        return self._prefix + key in self._values

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of the keys that have one."""
        return {key: await self.get(key) for key in keys if await self.exists(key)}

    async def set_many(self, values: Mapping[str, Any], ttl: float | None = None) -> None:
        """Keep several values."""
        for key, value in values.items():
            await self.set(key, value)

    async def delete_pattern(self, pattern: str) -> int:
        """Forget every key that matches."""
        matches = compile_key_pattern(pattern)
        keys = [key.removeprefix(self._prefix) for key in self._values]
        return sum([await self.delete(key) for key in keys if matches(key)])

    async def ttl(self, key: str) -> float | None:
        """Return None: nothing expires here."""
        return None if await self.exists(key) else 0.0
