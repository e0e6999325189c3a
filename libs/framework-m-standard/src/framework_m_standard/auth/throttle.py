"""`LoginThrottle`: counts failed logins in the store, per account and per address, across all workers."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
from datetime import datetime, timedelta
from uuid import UUID

from framework_m_core.domain.clock import Clock, IdGenerator
from framework_m_core.domain.errors import RateLimitError
from framework_m_core.domain.filters.tree import And, Comparison
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.runtime.retry import retry
from framework_m_standard.auth.records import WrittenRecords
from framework_m_standard.auth.settings import AuthSettings

__all__ = ["LoginThrottle"]

_ATTEMPT = "LoginAttempt"
_IPV6_NETWORK = 64
_ADDRESSES = 3
"""Multiple of the larger failure limit that closes an account to every address; it takes as many addresses."""


class LoginThrottle:
    """Limits on failed logins. Attempts are counted before password checks, so that concurrent ones cannot exceed them.

    An account is closed to the address that fails. Only failures from several addresses close it to all, so that
    nobody can lock others out from one address.

    A successful login clears the failures of this account at this address only: otherwise an attacker could clear the
    count by logging in to an account of their own.
    """

    def __init__(
        self,
        registry_handle: RegistryHandle,
        unit_of_work: UnitOfWorkFactoryProtocol,
        reader: DocumentReaderProtocol,
        auth_settings: AuthSettings,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._attempts = WrittenRecords(registry_handle, unit_of_work, reader, clock, _ATTEMPT, "at")
        self._clock = clock
        self._ids = ids
        self._key = auth_settings.key("login-throttle")
        self._window = timedelta(minutes=auth_settings.login_window_minutes)
        per_account, per_address = auth_settings.login_failures_per_account, auth_settings.login_failures_per_address
        self._limits = {
            ("account_key", "address_key"): per_account,
            ("account_key",): max(per_account, per_address) * _ADDRESSES,
            ("address_key",): per_address,
        }

    async def begin(self, account: str, address: str) -> None:
        """Count an attempt. If there were too many before it, delete it again and raise RateLimitError."""
        keys, now, id = self._keys(account, address), self._clock(), self._ids()
        await retry(lambda: self._record(id, keys, now))
        free = [moment for fields in self._limits if (moment := await self._free_again(fields, keys, now))]
        if not free:
            return
        await retry(lambda: self._forget(Comparison("id", "eq", id)))
        seconds = max(1, math.ceil((max(free) - now).total_seconds()))
        raise RateLimitError(f"too many failed logins: try again in {seconds} seconds", retry_after=seconds)

    async def succeed(self, account: str, address: str) -> None:
        """Clear this account's failures at this address."""
        keys = self._keys(account, address)
        matching = And(tuple(Comparison(field, "eq", key) for field, key in keys.items()))
        await retry(lambda: self._forget(matching))

    async def _record(self, id: UUID, keys: dict[str, str], now: datetime) -> None:
        context = self._attempts.context("count logins")
        attempt = self._attempts.new(context, id, now, {**keys, "at": now})
        async with self._attempts.writing(context) as repository:
            await repository.delete_where(Comparison("at", "lt", now - self._window))
            await repository.insert(attempt)

    async def _forget(self, where: And | Comparison) -> None:
        async with self._attempts.writing(self._attempts.context("count logins")) as repository:
            await repository.delete_where(where)

    async def _free_again(self, fields: tuple[str, ...], keys: dict[str, str], now: datetime) -> datetime | None:
        """Return when another attempt will be allowed, or None if this one is."""
        same = [Comparison(field, "eq", keys[field]) for field in fields]
        counted = And((*same, Comparison("at", "gte", now - self._window)))
        newest_first = OrderSpec("at", descending=True)
        beyond = await self._attempts.select(counted, newest_first, limit=1, offset=self._limits[fields])
        return beyond[0]["at"] + self._window if beyond else None

    def _keys(self, account: str, address: str) -> dict[str, str]:
        return {
            "account_key": self._hash(f"account:{account.strip().lower()}"),
            "address_key": self._hash(f"address:{_network(address)}"),
        }

    def _hash(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _network(address: str) -> str:
    """Return an address without the part that one household or server can vary: the last 64 bits of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((parsed.packed, _IPV6_NETWORK), strict=False))
    return str(parsed)
