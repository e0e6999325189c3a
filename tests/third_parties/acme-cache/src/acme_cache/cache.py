"""`CountingCache`: port `CacheProtocol`, in a dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from acme_cache.settings import CacheSettings


class CountingCache:
    """Values by key; it is open between `open` and `close`."""

    def __init__(self, acme_cache_settings: CacheSettings) -> None:
        self._prefix = acme_cache_settings.prefix
        self._values: dict[str, Any] = {}
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
        return self._values.get(self._prefix + key)

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Keep a value."""
        self._values[self._prefix + key] = value

    async def delete(self, key: str) -> bool:
        """Forget a key; return whether it was there."""
        return self._values.pop(self._prefix + key, None) is not None

    async def exists(self, key: str) -> bool:
        """Return whether the key has a value."""
        return self._prefix + key in self._values

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of the keys that have one."""
        return {key: self._values[self._prefix + key] for key in keys if self._prefix + key in self._values}

    async def set_many(self, values: Mapping[str, Any], ttl: float | None = None) -> None:
        """Keep several values."""
        for key, value in values.items():
            await self.set(key, value)

    async def delete_pattern(self, pattern: str) -> int:
        """Forget every key that matches."""
        found = [key for key in self._values if fnmatchcase(key, self._prefix + pattern)]
        return sum([await self.delete(key.removeprefix(self._prefix)) for key in found])

    async def ttl(self, key: str) -> float | None:
        """Return None: nothing expires here."""
        return None if await self.exists(key) else 0.0
