"""The contract of authentication holds for a process that believes for a second what it has verified, by the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from framework_m_core.domain.context import Principal
from framework_m_core.interfaces.authentication import Credentials
from framework_m_testing.clock import SetClock
from framework_m_testing.contracts.authentication import AuthenticationContract, LoginHarness
from framework_m_testing.fakes.authentication import FakeAuthentication
from framework_m_testing.fakes.identity import FakeIdentity
from framework_m_testing.fakes.session import FakeSessions

BELIEVED = timedelta(seconds=1)


class BelievingAuthentication(FakeAuthentication):
    """Asks again once a second has passed."""

    def __init__(self, identity: FakeIdentity, sessions: FakeSessions, clock: SetClock) -> None:
        super().__init__(identity, sessions, clock)
        self._shown = clock
        self._believed: dict[Credentials, tuple[datetime, Principal | None]] = {}

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        until, principal = self._believed.get(credentials, (self._shown(), None))
        if until > self._shown():
            return principal
        principal = await super().authenticate(credentials)
        self._believed[credentials] = (self._shown() + BELIEVED, principal)
        return principal


class TestBelievingAuthentication(AuthenticationContract):
    @pytest.fixture
    def harness(self) -> LoginHarness:
        clock, identity = SetClock(), FakeIdentity()
        sessions = FakeSessions(clock)
        here = FakeAuthentication(identity, sessions, clock, failures=3)

        async def elsewhere() -> FakeAuthentication:
            there = BelievingAuthentication(identity, sessions, clock)
            there._tokens = here._tokens
            return there

        return LoginHarness(here, elsewhere, identity, clock, failures=3, window=timedelta(minutes=15))
