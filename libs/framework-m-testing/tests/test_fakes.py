"""The fakes keep the contracts of the ports that they stand for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from framework_m_core.bootstrap.application import Application
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.domain.errors import TransientError
from framework_m_core.interfaces.identity import IdentityProtocol
from framework_m_core.interfaces.session import SessionProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_testing.clock import SetClock
from framework_m_testing.contracts.authentication import AuthenticationContract, LoginHarness
from framework_m_testing.contracts.bootstrap import BootstrapContract
from framework_m_testing.contracts.identity import IdentityContract
from framework_m_testing.contracts.login_attempts import LoginAttemptsContract
from framework_m_testing.contracts.permission import RULES, TRUSTED, PermissionContract, build_permission_registry
from framework_m_testing.contracts.session import SessionContract
from framework_m_testing.fakes.authentication import FakeAuthentication
from framework_m_testing.fakes.bootstrap import FakeBootstrap
from framework_m_testing.fakes.identity import FakeIdentity
from framework_m_testing.fakes.login_attempts import FakeLoginAttempts
from framework_m_testing.fakes.permission import FakePermission
from framework_m_testing.fakes.session import FakeSessions

type Tell = Callable[[], Awaitable[str]]


def telling(fake: object) -> Tell:
    """Tells all that a fake holds."""

    async def tell() -> str:
        return repr(vars(fake))

    return tell


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def sessions(clock: SetClock) -> FakeSessions:
    return FakeSessions(clock)


class TestFakeLoginAttempts(LoginAttemptsContract):
    @pytest.fixture
    def login_attempts(self, clock: SetClock) -> FakeLoginAttempts:
        return FakeLoginAttempts(clock)

    @pytest.fixture
    def elsewhere(self, login_attempts: FakeLoginAttempts) -> FakeLoginAttempts:
        return login_attempts

    @pytest.fixture
    def kept(self, login_attempts: FakeLoginAttempts) -> Callable[[], Awaitable[int]]:
        async def count() -> int:
            return len(login_attempts.attempts)

        return count


class TestFakeSessions(SessionContract):
    @pytest.fixture
    def elsewhere(self, sessions: FakeSessions) -> SessionProtocol:
        return sessions

    @pytest.fixture
    def user_id(self) -> UUID:
        return uuid4()

    @pytest.fixture
    def kept(self, sessions: FakeSessions) -> Tell:
        return telling(sessions)


@pytest.fixture
def identity() -> FakeIdentity:
    return FakeIdentity()


class TestFakeIdentity(IdentityContract):
    @pytest.fixture
    def production(self, identity: FakeIdentity) -> IdentityProtocol:
        return identity.in_production()

    @pytest.fixture
    def kept(self, identity: FakeIdentity) -> Tell:
        return telling(identity)


class TestFakeAuthentication(AuthenticationContract):
    @pytest.fixture
    def harness(self, identity: FakeIdentity, sessions: FakeSessions, clock: SetClock) -> LoginHarness:
        window = timedelta(minutes=15)
        fake = FakeAuthentication(identity, sessions, clock, failures=3, window=window)

        async def elsewhere() -> FakeAuthentication:
            return fake

        return LoginHarness(fake, elsewhere, identity, clock, failures=3, window=window)


class TestFakePermission(PermissionContract):
    @pytest.fixture
    def engine(self) -> FakePermission:
        return FakePermission(RegistryHandle(build_permission_registry()), rules=RULES, trusted=[TRUSTED])

    @pytest.fixture
    def unable(self) -> list[FakePermission]:
        away = FakePermission(RegistryHandle(build_permission_registry()), rules=RULES)
        away.failure = TransientError("the engine is away")
        return [away]


class TestFakePermissionThatDecides(TestFakePermission):
    @pytest.fixture
    def engine(self) -> FakePermission:
        return FakePermission(
            RegistryHandle(build_permission_registry()), decide=lambda _: True, rules=RULES, trusted=[TRUSTED]
        )


class TestFakePermissionOfEachCaller(TestFakePermission):
    """An engine whose filters are finished for one caller."""

    @pytest.fixture
    def engine(self) -> FakePermission:
        registry_handle = RegistryHandle(build_permission_registry())
        return FakePermission(registry_handle, rules=RULES, trusted=[TRUSTED], attributes=["teams"])


class TestFakeBootstrap(BootstrapContract):
    @pytest.fixture
    def step(self) -> FakeBootstrap:
        return FakeBootstrap()

    @pytest.fixture
    def app(self, tmp_path: Path) -> Application:
        return Application(load_settings(tmp_path, {}))
