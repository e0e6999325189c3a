"""Port `CacheProtocol`: values cached for fast reads, which may be evicted at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

__all__ = ["CacheProtocol"]


class CacheProtocol(Protocol):
    """A cache, not a store: keep only what can be recomputed; no transaction rolls back a write to it.

    Keys are text of 1 to 500 characters without NUL; an adapter takes 33 more, for the prefix by which `TenantCache`
    keeps the keys of tenants apart. Values are None, bool, 64-bit int, finite float, str, Decimal,
    aware datetime (returned in UTC), date, UUID, and lists and dicts with text keys of these, at most a million
    characters as JSON; `domain/cached_values` encodes and decodes them. `ttl` is in seconds, at least a millisecond;
    None keeps a value until it is deleted or evicted.

    Contract: a value is returned equal and with its types, as a copy: changing what was passed in or returned does not
    change the cached value. No method sees an expired value. Any other key, value or `ttl` raises ValueError and
    changes nothing. Methods raise TransientError while the cache is unavailable.
    """

    async def get(self, key: str) -> Any:
        """Return the value, or None if there is none; `exists` and `get_many` tell that from a cached None."""
        ...

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Set the value of a key, replacing any earlier value and its `ttl`."""
        ...

    async def delete(self, key: str) -> bool:
        """Delete a key; return whether it existed."""
        ...

    async def exists(self, key: str) -> bool:
        """Return whether the key has a value, which may be None."""
        ...

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of those keys that have one."""
        ...

    async def set_many(self, values: Mapping[str, Any], ttl: float | None = None) -> None:
        """Set several values; if one is invalid, none is set."""
        ...

    async def delete_pattern(self, pattern: str) -> int:
        """Delete all matching keys and return their number. Use it rarely, as it scans all keys.

        `*` matches any run of characters, `?` any one character; a backslash escapes the next character; everything
        else matches itself, case-sensitively. `domain/cache_entries` implements this as `compile_key_pattern`.
        """
        ...

    async def ttl(self, key: str) -> float | None:
        """Return the key's remaining seconds: 0 if it does not exist, None if it never expires."""
        ...
