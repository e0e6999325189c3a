"""Port `CacheProtocol`: values kept for quick reading, which may be gone at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

__all__ = ["CacheProtocol"]


class CacheProtocol(Protocol):
    """A cache is no store: what cannot be made anew does not belong here, and no transaction undoes a write to it.

    Keys are text of 1 to 500 characters without NUL. Values are None, bool, int within 64 bits, finite float, str,
    Decimal, aware datetime (given back in UTC), date, UUID, and lists and dicts with text keys of these, at most a
    million characters as JSON; `domain/cached_values` writes and reads them. `ttl` is in seconds, from a millisecond;
    None keeps a value until it is deleted or makes room.

    Contract: a value comes back equal and of its types, and is nobody's but the caller's: changing what was given or
    what came changes nothing that is kept. An expired value is not there for any method. Everything else is refused by
    ValueError and changes nothing. TransientError while the cache is away.
    """

    async def get(self, key: str) -> Any:
        """The value, or None where there is none; `exists` and `get_many` tell that from a None that was kept."""
        ...

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Keeps a value in the place of what the key had, and for as long as `ttl` says, whatever was said before."""
        ...

    async def delete(self, key: str) -> bool:
        """Forgets a key; whether it was there."""
        ...

    async def exists(self, key: str) -> bool:
        """Whether the key has a value, which may be None."""
        ...

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """The values of those of the keys that have one."""
        ...

    async def set_many(self, values: Mapping[str, Any], ttl: float | None = None) -> None:
        """Keeps several values; where one of them is refused, none is kept."""
        ...

    async def delete_pattern(self, pattern: str) -> int:
        """Forgets every key that matches, and says how many: it looks at all keys, so it is for rare occasions.

        `*` is any run of characters, `?` any one, a backslash takes the next character as it is, everything else is
        itself; case counts. `domain/cache_entries` holds this meaning as `key_matcher`.
        """
        ...

    async def ttl(self, key: str) -> float | None:
        """Seconds that the key has left: 0 where it is not there, None where it has no end."""
        ...
