"""The contract of `LoginAttemptsProtocol`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import uuid4

import pytest

from framework_m_core.interfaces.login_attempts import AttemptLimits, LoginAttemptsProtocol
from framework_m_testing.clock import SetClock
from framework_m_testing.contracts.contract import Contract

__all__ = ["LoginAttemptsContract"]

_WINDOW: Final = timedelta(minutes=15)
_LIMITS: Final = AttemptLimits(_WINDOW, per_account_and_network=3, per_account=6, per_network=5)
_DAYS: Final = timedelta(days=90)


class LoginAttemptsContract(Contract):
    """The contract of `LoginAttemptsProtocol`.

    Provide fixtures: `login_attempts`; `elsewhere`, those of another process over the same store; `clock`, a `SetClock`
    that both use; `kept`, an async function that returns the number of all records that the store holds of them.
    """

    @pytest.fixture
    def account(self) -> str:
        """Return the key of an account that nobody has tried."""
        return uuid4().hex * 2

    @pytest.fixture
    def network(self) -> str:
        """Return the key of a network that nobody has come from."""
        return uuid4().hex * 2

    async def test_past_the_limit_an_attempt_waits_until_the_first_is_old(
        self, login_attempts: LoginAttemptsProtocol, clock: SetClock, account: str, network: str
    ) -> None:
        """The window slides: the time returned is when one more attempt is let through, and no earlier."""
        first = clock.now
        for _ in range(3):
            assert await login_attempts.begin(account, network, _LIMITS) is None
            clock.move(minutes=2)
        assert await login_attempts.begin(account, network, _LIMITS) == first + _WINDOW
        clock.now = first + _WINDOW
        assert await login_attempts.begin(account, network, _LIMITS) == first + _WINDOW
        clock.move(seconds=0.001)
        assert await login_attempts.begin(account, network, _LIMITS) is None
        assert await login_attempts.begin(account, network, _LIMITS) == first + timedelta(minutes=2) + _WINDOW

    async def test_an_attempt_that_is_refused_is_not_counted(
        self, login_attempts: LoginAttemptsProtocol, clock: SetClock, account: str, network: str
    ) -> None:
        """Otherwise whoever keeps trying would never be let in again."""
        until = [await login_attempts.begin(account, network, _LIMITS) for _ in range(20)]
        assert until == [None] * 3 + [clock.now + _WINDOW] * 17
        clock.now += _WINDOW + timedelta(seconds=1)
        assert await login_attempts.begin(account, network, _LIMITS) is None

    async def test_accounts_and_networks_are_counted_apart(
        self, login_attempts: LoginAttemptsProtocol, account: str, network: str
    ) -> None:
        """An account is closed to the network that fails alone; a network that fails is closed to all accounts."""
        for _ in range(3):
            await login_attempts.begin(account, network, _LIMITS)
        assert await login_attempts.begin(account, network, _LIMITS) is not None
        assert await login_attempts.begin(account, uuid4().hex, _LIMITS) is None
        assert await login_attempts.begin(uuid4().hex, network, _LIMITS) is None
        assert await login_attempts.begin(uuid4().hex, network, _LIMITS) is None
        assert await login_attempts.begin(uuid4().hex, network, _LIMITS) is not None

    async def test_an_account_is_closed_to_strangers_and_not_where_it_is_known(
        self, login_attempts: LoginAttemptsProtocol, clock: SetClock, account: str, network: str
    ) -> None:
        """Until it is no longer known there; its own failures count there, too."""
        assert not await login_attempts.is_known(account, network)
        await login_attempts.succeed(account, network, _DAYS)
        clock.now += _DAYS
        assert await login_attempts.is_known(account, network)
        assert not await login_attempts.is_known(account, uuid4().hex)
        assert not await login_attempts.is_known(uuid4().hex, network)
        for _ in range(6):
            assert await login_attempts.begin(account, uuid4().hex, _LIMITS) is None
        assert await login_attempts.begin(account, uuid4().hex, _LIMITS) == clock.now + _WINDOW
        for _ in range(3):
            assert await login_attempts.begin(account, network, _LIMITS) is None
        assert await login_attempts.begin(account, network, _LIMITS) is not None

    async def test_an_account_is_not_known_for_ever(
        self, login_attempts: LoginAttemptsProtocol, clock: SetClock, account: str, network: str
    ) -> None:
        """The time of the last success counts."""
        await login_attempts.succeed(account, network, _DAYS)
        clock.now += _DAYS + timedelta(seconds=1)
        assert not await login_attempts.is_known(account, network)
        for _ in range(6):
            await login_attempts.begin(account, uuid4().hex, _LIMITS)
        assert await login_attempts.begin(account, network, _LIMITS) is not None

    async def test_success_forgets_the_attempts_on_this_account_from_here(
        self, login_attempts: LoginAttemptsProtocol, account: str, network: str
    ) -> None:
        """Those on others stay: else an account of their own would clear the count of whoever guesses."""
        await login_attempts.begin(account, network, _LIMITS)
        await login_attempts.begin(account, network, _LIMITS)
        for _ in range(3):
            await login_attempts.begin(uuid4().hex, network, _LIMITS)
        assert await login_attempts.begin(account, network, _LIMITS) is not None
        await login_attempts.succeed(account, network, _DAYS)
        for _ in range(2):
            assert await login_attempts.begin(account, network, _LIMITS) is None
        assert await login_attempts.begin(uuid4().hex, network, _LIMITS) is not None

    async def test_many_at_once_do_not_slip_past(
        self, login_attempts: LoginAttemptsProtocol, elsewhere: LoginAttemptsProtocol, account: str, network: str
    ) -> None:
        """In several processes; fewer may be let through than the limit, not more."""
        one, other = login_attempts, elsewhere
        asked = (counts.begin(account, network, _LIMITS) for counts in (one, other) * 8)
        assert sum(until is None for until in await asyncio.gather(*asked)) <= 3

    async def test_processes_count_together(
        self, login_attempts: LoginAttemptsProtocol, elsewhere: LoginAttemptsProtocol, account: str, network: str
    ) -> None:
        """What one lets through, another counts."""
        for counts in (login_attempts, elsewhere, login_attempts):
            assert await counts.begin(account, network, _LIMITS) is None
        assert await elsewhere.begin(account, network, _LIMITS) is not None

    async def test_nothing_is_kept_for_ever(
        self,
        login_attempts: LoginAttemptsProtocol,
        clock: SetClock,
        account: str,
        network: str,
        kept: Callable[[], Awaitable[int]],
    ) -> None:
        """However many attempts there were on an account, those that no longer count are gone with the next one."""
        await login_attempts.begin(account, network, _LIMITS)
        one = await kept()
        for _ in range(5):
            clock.now += _WINDOW + timedelta(seconds=1)
            await login_attempts.begin(account, network, _LIMITS)
        assert await kept() == one
