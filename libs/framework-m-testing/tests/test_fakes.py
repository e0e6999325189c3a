"""The fakes keep the contracts of the ports that they stand for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from framework_m_core.interfaces.session import SessionProtocol
from framework_m_testing.clock import SetClock
from framework_m_testing.contracts.session import SessionContract
from framework_m_testing.fakes.session import FakeSessions


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def sessions(clock: SetClock) -> FakeSessions:
    return FakeSessions(clock)


class TestFakeSessions(SessionContract):
    @pytest.fixture
    def elsewhere(self, sessions: FakeSessions) -> SessionProtocol:
        return sessions

    @pytest.fixture
    def user_id(self) -> UUID:
        return uuid4()

    @pytest.fixture
    def kept(self, sessions: FakeSessions) -> Callable[[], Awaitable[str]]:
        async def tell() -> str:
            return repr(vars(sessions))

        return tell
