"""`TenantCache`: port `CacheProtocol` for one tenant, over the cache of all, by a prefix of its keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from framework_m_core.domain.cache_entries import PREFIX_LENGTH, check_key
from framework_m_core.domain.context import RequestContext
from framework_m_core.interfaces.cache import CacheProtocol

__all__ = ["TenantCache", "adapter_for"]

_DIGITS: Final = PREFIX_LENGTH - 1


def adapter_for(context: RequestContext, protocol: type, adapter: object) -> object:
    """Return an adapter as a context may use it: a cache holds the keys of its tenant alone."""
    if protocol is CacheProtocol and context.tenant is not None:
        return TenantCache(adapter, context.tenant)  # type: ignore[arg-type]
    return adapter


class TenantCache:
    """A view of a cache that holds only the keys of one tenant."""

    def __init__(self, cache: CacheProtocol, tenant: str) -> None:
        self._cache = cache
        # hexadecimal and of one length: no key or pattern of one tenant means another's, whatever they are called
        self._prefix = sha256(tenant.encode()).hexdigest()[:_DIGITS] + ":"

    async def get(self, key: str) -> Any:
        """Return the value, or None if there is none."""
        return await self._cache.get(self._add_prefix(key))

    async def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Set the value of a key."""
        await self._cache.set(self._add_prefix(key), value, ttl)

    async def delete(self, key: str) -> bool:
        """Delete a key; return whether it existed."""
        return await self._cache.delete(self._add_prefix(key))

    async def exists(self, key: str) -> bool:
        """Return whether the key has a value."""
        return await self._cache.exists(self._add_prefix(key))

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of those keys that have one."""
        found = await self._cache.get_many([self._add_prefix(key) for key in keys])
        return {key[PREFIX_LENGTH:]: value for key, value in found.items()}

    async def set_many(self, values: Mapping[str, Any], ttl: float | None = None) -> None:
        """Set several values; if one is invalid, none is set."""
        await self._cache.set_many({self._add_prefix(key): value for key, value in values.items()}, ttl)

    async def delete_pattern(self, pattern: str) -> int:
        """Delete the tenant's matching keys and return their number."""
        return await self._cache.delete_pattern(self._add_prefix(pattern))

    async def ttl(self, key: str) -> float | None:
        """Return the key's remaining seconds."""
        return await self._cache.ttl(self._add_prefix(key))

    def _add_prefix(self, key: str) -> str:
        return self._prefix + check_key(key)
