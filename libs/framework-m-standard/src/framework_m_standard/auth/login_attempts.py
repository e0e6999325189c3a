"""`DocumentLoginAttempts`: port `LoginAttemptsProtocol` over the DocType LoginAttempt."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from framework_m_core.domain.clock import Clock, IdGenerator
from framework_m_core.domain.filters.tree import And, Comparison
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.login_attempts import AttemptLimits
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.runtime.retry import retry
from framework_m_standard.auth.records import WritableRecords

__all__ = ["DocumentLoginAttempts"]

_ATTEMPT = "LoginAttempt"
_REASON = "count logins"
_WHOLE_ACCOUNT = ("account_key",)


class DocumentLoginAttempts:
    """Attempts as documents. Each is counted before the limits are checked, so that many at once cannot exceed them."""

    def __init__(
        self,
        registry_handle: RegistryHandle,
        unit_of_work: UnitOfWorkFactoryProtocol,
        reader: DocumentReaderProtocol,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._attempts = WritableRecords(registry_handle, unit_of_work, reader, clock, _ATTEMPT, "at")
        self._clock = clock
        self._ids = ids

    async def begin(self, account: str, network: str, limits: AttemptLimits) -> datetime | None:
        """Count an attempt; if there were too many before it, delete it again and return when there are not."""
        keys, now, id = _keys(account, network), self._clock(), self._ids()
        since = now - limits.window
        await retry(lambda: self._record(id, keys, now, since))
        maximum = {
            ("account_key", "address_key"): limits.per_account_and_network,
            _WHOLE_ACCOUNT: limits.per_account,
            ("address_key",): limits.per_network,
        }
        excess = {
            fields: at
            for fields, limit in maximum.items()
            if (at := await self._first_of_last({field: keys[field] for field in fields}, limit, since)) is not None
        }
        if _WHOLE_ACCOUNT in excess and await self.is_known(account, network):
            del excess[_WHOLE_ACCOUNT]
        if not excess:
            return None
        await retry(lambda: self._forget(Comparison("id", "eq", id)))
        return max(excess.values()) + limits.window

    async def succeed(self, account: str, network: str, known_for: timedelta) -> None:
        """Delete the attempts, and remember the network by a record whose time is the end of being known."""
        now, id, keys = self._clock(), self._ids(), _keys(account, network)
        known = _known(keys)

        async def attempt() -> None:
            context = self._attempts.make_context(_REASON)
            async with self._attempts.open_repository(context) as repository:
                await repository.delete_where(_match_all(keys))
                await repository.delete_where(_match_all(known))
                await repository.insert(self._attempts.build(context, id, now, {**known, "at": now + known_for}))

        await retry(attempt)

    async def is_known(self, account: str, network: str) -> bool:
        """Return whether the account is known in the network."""
        keys = _known(_keys(account, network))
        known = And((_match_all(keys), Comparison("at", "gte", self._clock())))
        return bool(await self._attempts.select(known, OrderSpec("at"), limit=1, offset=0))

    async def _record(self, id: UUID, keys: Mapping[str, str], now: datetime, since: datetime) -> None:
        context = self._attempts.make_context(_REASON)
        attempt = self._attempts.build(context, id, now, {**keys, "at": now})
        async with self._attempts.open_repository(context) as repository:
            await repository.delete_where(Comparison("at", "lt", since))
            await repository.insert(attempt)

    async def _first_of_last(self, keys: Mapping[str, str], limit: int, since: datetime) -> datetime | None:
        """Return the time of the attempt `limit` places before the newest one, or None if there are fewer."""
        counted = And((_match_all(keys), Comparison("at", "gte", since)))
        rows = await self._attempts.select(counted, OrderSpec("at", descending=True), limit=1, offset=limit)
        return rows[0]["at"] if rows else None

    async def _forget(self, where: Comparison) -> None:
        async with self._attempts.open_repository(self._attempts.make_context(_REASON)) as repository:
            await repository.delete_where(where)


def _keys(account: str, network: str) -> dict[str, str]:
    return {"account_key": account, "address_key": network}


def _known(keys: Mapping[str, str]) -> dict[str, str]:
    """Return keys by which no attempt is counted."""
    return {field: hashlib.sha256(f"known:{key}".encode()).hexdigest() for field, key in keys.items()}


def _match_all(values: Mapping[str, str]) -> And:
    return And(tuple(Comparison(field, "eq", value) for field, value in values.items()))
