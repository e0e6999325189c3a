"""`FakeLoginAttempts`: port `LoginAttemptsProtocol` in a list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from framework_m_core.domain.clock import Clock, system_clock
from framework_m_core.interfaces.login_attempts import AttemptLimits

__all__ = ["FakeLoginAttempts"]


@dataclass(frozen=True, slots=True)
class _Attempt:
    account: str
    network: str
    at: datetime


class FakeLoginAttempts:
    """Attempts of one process; `attempts` are those that count."""

    def __init__(self, clock: Clock = system_clock) -> None:
        self._clock = clock
        self.attempts: list[_Attempt] = []
        self._known: dict[tuple[str, str], datetime] = {}

    async def begin(self, account: str, network: str, limits: AttemptLimits) -> datetime | None:
        """Count an attempt; if a limit is reached, count nothing and return when it no longer is."""
        now = self._clock()
        self.attempts = [one for one in self.attempts if one.at >= now - limits.window]
        counted: list[tuple[int, Callable[[_Attempt], bool]]] = [
            (limits.per_account_and_network, lambda one: (one.account, one.network) == (account, network)),
            (limits.per_network, lambda one: one.network == network),
        ]
        if not await self.is_known(account, network):
            counted.append((limits.per_account, lambda one: one.account == account))
        until = [at for limit, counts in counted if (at := self._full_until(limit, counts, limits.window))]
        if until:
            return max(until)
        self.attempts.append(_Attempt(account, network, now))
        return None

    async def succeed(self, account: str, network: str, known_for: timedelta) -> None:
        """Forget the attempts, and remember that the account is known in the network."""
        self.attempts = [one for one in self.attempts if (one.account, one.network) != (account, network)]
        self._known[account, network] = self._clock() + known_for

    async def is_known(self, account: str, network: str) -> bool:
        """Return whether the account is known in the network."""
        until = self._known.get((account, network))
        return until is not None and until >= self._clock()

    def _full_until(self, limit: int, counts: Callable[[_Attempt], bool], window: timedelta) -> datetime | None:
        times = sorted(one.at for one in self.attempts if counts(one))
        return times[-limit] + window if len(times) >= limit else None
