"""Logging in, staying in and being out on the real stores: the contract, and what is this adapter's own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from framework_m_core.domain.context import Principal
from framework_m_core.domain.errors import AuthenticationError
from framework_m_core.interfaces.authentication import AuthenticationProtocol, Credentials, Login
from framework_m_core.interfaces.session import SessionKind
from framework_m_testing.contracts.authentication import AuthenticationContract, LoginHarness

from .conftest import ADDRESS, MEMORY, PASSWORD, StartWorker, Worker

EMAIL = "ada@example.com"
FEW = 3


class TestSessionAuthentication(AuthenticationContract):
    @pytest.fixture
    def variables(self) -> dict[str, str]:
        return {"M_AUTH__MAX_LOGIN_FAILURES_PER_ACCOUNT": str(FEW), "M_AUTH__SECRET": "0123456789abcdef" * 3}

    @pytest.fixture
    async def harness(self, start_worker: StartWorker) -> LoginHarness:
        worker = await start_worker()

        async def elsewhere() -> AuthenticationProtocol:
            return (await start_worker()).authentication

        window = timedelta(minutes=15)
        return LoginHarness(worker.authentication, elsewhere, worker.identity, worker.clock, FEW, window)


class TestSessionAuthenticationInMemory(TestSessionAuthentication):
    @pytest.fixture
    def database_url(self) -> str:
        return MEMORY


@pytest.fixture
async def ada(worker: Worker) -> Worker:
    """A worker whose store knows a user, who is not the only administrator."""
    for email in (EMAIL, "ben@example.com"):
        await worker.identity.create(email, PASSWORD, ["Administrator"])
    return worker


async def log_in(worker: Worker, kind: SessionKind = SessionKind.TOKEN) -> Login:
    return await worker.authentication.login(EMAIL, PASSWORD, address=ADDRESS, kind=kind)


async def principal_of(worker: Worker, login: Login) -> Principal:
    bearer = f"Bearer {login.access_token}" if login.access_token else None
    found = await worker.authentication.authenticate(Credentials(bearer, login.session_cookie))
    assert found is not None
    return found


async def test_logins_last_as_long_as_configured(ada: Worker) -> None:
    token, cookie = [await log_in(ada, kind) for kind in (SessionKind.TOKEN, SessionKind.COOKIE)]
    assert (token.expires_in, cookie.expires_in) == (900, 14 * 86400)


async def test_roles_changed_as_a_document_hold_at_once(ada: Worker) -> None:
    """As an administrator changes them over HTTP."""
    login, documents = await log_in(ada), ada.app.documents.client_for(ada.administrator)
    for given in (["Administrator"], []):
        await principal_of(ada, login)
        await documents.update("User", EMAIL, {"roles": given})
        assert (await principal_of(ada, login)).roles == {*given, "Guest", "All"}, given
    await documents.update("User", EMAIL, {"enabled": False})
    with pytest.raises(AuthenticationError):
        await principal_of(ada, login)


async def test_who_is_let_in_again_as_a_document_logs_in_again(ada: Worker, kind: SessionKind) -> None:
    """What was open when the user was kept out stays shut, whoever has kept a copy of it."""
    login, documents = await log_in(ada, kind), ada.app.documents.client_for(ada.administrator)
    for enabled in (False, True):
        await documents.update("User", EMAIL, {"enabled": enabled})
    with pytest.raises(AuthenticationError):
        await principal_of(ada, login)
    await principal_of(ada, await log_in(ada, kind))


async def test_attributes_feed_the_principal(ada: Worker) -> None:
    documents = ada.app.documents.client_for(ada.administrator)
    await documents.update("User", EMAIL, {"attributes": {"territory": ["North", "South"]}})
    assert (await principal_of(ada, await log_in(ada))).attributes == {"territory": ("North", "South")}
