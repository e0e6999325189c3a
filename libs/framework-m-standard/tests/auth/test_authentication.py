"""Logging in, staying in and being out, on the real store."""

from __future__ import annotations

import asyncio
import base64

import pytest

from framework_m_core.domain.errors import AuthenticationError, PermissionDeniedError, RateLimitError
from framework_m_core.domain.scope import Principal
from framework_m_core.interfaces.authentication import Credentials, Login
from framework_m_core.interfaces.session import SessionKind

from .conftest import ADDRESS, PASSWORD, StartWorker, Worker

EMAIL = "ada@example.com"
NOBODYS = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
async def ada(worker: Worker) -> None:
    await worker.identity.create(EMAIL, PASSWORD, ["Administrator"])


pytestmark = pytest.mark.usefixtures("ada")


async def log_in(worker: Worker, kind: SessionKind = SessionKind.TOKEN) -> Login:
    return await worker.authentication.login(EMAIL, PASSWORD, address=ADDRESS, kind=kind)


def carried(login: Login, *, unsafe: bool = False, csrf: bool = True) -> Credentials:
    """What a request of this login carries."""
    if login.access_token:
        return Credentials(authorization=f"Bearer {login.access_token}", unsafe=unsafe)
    return Credentials(
        session_cookie=login.session_cookie, csrf_token=login.csrf_token if csrf else None, unsafe=unsafe
    )


async def is_out(worker: Worker, login: Login) -> bool:
    try:
        return await worker.authentication.authenticate(carried(login)) is None
    except AuthenticationError:
        return True


async def test_a_login_is_somebody(worker: Worker, kind: SessionKind) -> None:
    login = await log_in(worker, kind)
    principal = await worker.authentication.authenticate(carried(login, unsafe=True))
    assert principal == Principal(str(login.identity.id), frozenset({"Administrator", "Guest"}), EMAIL)


async def test_each_kind_carries_its_own(worker: Worker) -> None:
    token, cookie = [await log_in(worker, kind) for kind in (SessionKind.TOKEN, SessionKind.COOKIE)]
    assert (token.expires_in, cookie.expires_in) == (900, 14 * 86400)
    assert (token.session_cookie, token.csrf_token) == (None, None)
    assert (cookie.access_token, cookie.refresh_token) == (None, None)


async def test_no_credentials_are_nobody(worker: Worker) -> None:
    assert await worker.authentication.authenticate(Credentials()) is None
    assert await worker.authentication.authenticate(Credentials(authorization="", session_cookie="")) is None


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "x",
        "Basic " + base64.b64encode(f"{EMAIL}:{PASSWORD}".encode()).decode(),
        "Bearer \ud800",
    ],
)
async def test_a_bad_header_is_refused(worker: Worker, authorization: str) -> None:
    with pytest.raises(AuthenticationError):
        await worker.authentication.authenticate(Credentials(authorization=authorization))


@pytest.mark.parametrize("cookie", ["x", ".", f"{NOBODYS}.x", NOBODYS, "\ud800.\ud800"])
async def test_a_bad_cookie_is_refused_and_nothing_else_is_tried(worker: Worker, cookie: str) -> None:
    good = carried(await log_in(worker)).authorization
    with pytest.raises(AuthenticationError):
        await worker.authentication.authenticate(Credentials(authorization=good, session_cookie=cookie))


async def test_a_credential_of_one_kind_is_none_of_another(worker: Worker) -> None:
    token, cookie = [await log_in(worker, kind) for kind in (SessionKind.TOKEN, SessionKind.COOKIE)]
    for _ in range(2):
        assert not await is_out(worker, token)
        assert not await is_out(worker, cookie)
        for wrong in (
            Credentials(session_cookie=token.refresh_token, unsafe=True),
            Credentials(session_cookie=f"Bearer {token.access_token}", unsafe=True),
            Credentials(authorization=f"Bearer {token.refresh_token}"),
            Credentials(authorization=f"Bearer {cookie.session_cookie}"),
            Credentials(authorization=cookie.session_cookie),
        ):
            with pytest.raises(AuthenticationError):
                await worker.authentication.authenticate(wrong)
    assert cookie.session_cookie
    with pytest.raises(AuthenticationError):
        await worker.authentication.refresh(cookie.session_cookie)
    assert not await is_out(worker, cookie)


async def test_a_cookie_needs_its_csrf_token_to_change_anything(worker: Worker) -> None:
    login, other = [await log_in(worker, SessionKind.COOKIE) for _ in range(2)]
    for token in (None, "", "x", other.csrf_token):
        credentials = Credentials(session_cookie=login.session_cookie, csrf_token=token, unsafe=True)
        with pytest.raises(PermissionDeniedError, match="X-CSRF-Token") as caught:
            await worker.authentication.authenticate(credentials)
        assert caught.value.code == "csrf_failed"
    assert await worker.authentication.authenticate(carried(login, csrf=False))
    assert await worker.authentication.authenticate(carried(login, unsafe=True))


@pytest.mark.parametrize(("email", "password"), [(EMAIL, "wrong password"), ("eve@example.com", PASSWORD)])
async def test_a_failed_login_does_not_say_what_was_wrong(worker: Worker, email: str, password: str) -> None:
    with pytest.raises(AuthenticationError, match=r"^the email or the password is not right$"):
        await worker.authentication.login(email, password, address=ADDRESS, kind=SessionKind.TOKEN)


async def test_guessing_is_held_up_even_when_the_guess_is_right(worker: Worker) -> None:
    for _ in range(10):
        with pytest.raises(AuthenticationError):
            await worker.authentication.login(EMAIL, "wrong password", address=ADDRESS, kind=SessionKind.TOKEN)
    with pytest.raises(RateLimitError):
        await log_in(worker)
    worker.clock.move(minutes=16)
    await log_in(worker)


async def test_logins_that_succeed_are_not_counted(worker: Worker) -> None:
    for _ in range(12):
        await log_in(worker)


async def test_an_access_token_expires_and_a_refresh_brings_another(worker: Worker) -> None:
    login = await log_in(worker)
    worker.clock.move(minutes=14)
    assert not await is_out(worker, login)
    worker.clock.move(minutes=1)
    assert await is_out(worker, login)
    assert login.refresh_token
    again = await worker.authentication.refresh(login.refresh_token)
    assert not await is_out(worker, again)
    assert again.identity == login.identity


async def test_a_spent_refresh_token_ends_the_session_at_once(worker: Worker) -> None:
    login = await log_in(worker)
    assert login.refresh_token
    again = await worker.authentication.refresh(login.refresh_token)
    assert not await is_out(worker, again)
    with pytest.raises(AuthenticationError, match="used before"):
        await worker.authentication.refresh(login.refresh_token)
    assert await is_out(worker, again)
    assert again.refresh_token
    with pytest.raises(AuthenticationError):
        await worker.authentication.refresh(again.refresh_token)


@pytest.mark.parametrize("token", ["", "x", ".", f"{NOBODYS}.x", "\ud800"])
async def test_a_bad_refresh_token_is_refused(worker: Worker, token: str) -> None:
    with pytest.raises(AuthenticationError):
        await worker.authentication.refresh(token)


async def test_a_logout_holds_at_once_and_for_its_session_alone(worker: Worker, kind: SessionKind) -> None:
    login, other = [await log_in(worker, kind) for _ in range(2)]
    assert not await is_out(worker, login)
    assert not await is_out(worker, other)
    await worker.authentication.logout(carried(login, unsafe=True))
    assert await is_out(worker, login)
    assert not await is_out(worker, other)


async def test_a_logout_needs_credentials_that_hold(worker: Worker) -> None:
    with pytest.raises(AuthenticationError):
        await worker.authentication.logout(Credentials(unsafe=True))
    login = await log_in(worker, SessionKind.COOKIE)
    with pytest.raises(PermissionDeniedError):
        await worker.authentication.logout(carried(login, unsafe=True, csrf=False))
    assert not await is_out(worker, login)


async def test_a_logout_during_a_verification_is_not_forgotten(worker: Worker) -> None:
    login = await log_in(worker)
    verifications = [asyncio.create_task(is_out(worker, login)) for _ in range(5)]
    await worker.authentication.logout(carried(login))
    await asyncio.gather(*verifications)
    assert await is_out(worker, login)


async def test_roles_changed_as_a_document_hold_at_once(worker: Worker) -> None:
    """As an administrator changes them over HTTP."""
    login = await log_in(worker, SessionKind.TOKEN)
    roles = {"Administrator"}
    documents = worker.app.documents
    for given in (["Administrator"], []):
        principal = await worker.authentication.authenticate(carried(login))
        assert principal is not None
        await documents.update(worker.administrator, "User", EMAIL, {"roles": given})
        changed = await worker.authentication.authenticate(carried(login))
        assert changed is not None
        assert changed.roles & roles == set(given)
    await documents.update(worker.administrator, "User", EMAIL, {"enabled": False})
    assert await is_out(worker, login)


@pytest.mark.parametrize("change", ["set_password", "disable"])
async def test_a_change_of_the_user_holds_at_once(worker: Worker, kind: SessionKind, change: str) -> None:
    login = await log_in(worker, kind)
    assert not await is_out(worker, login)
    if change == "set_password":
        await worker.identity.set_password(EMAIL, "another long one")
    else:
        await worker.identity.disable(EMAIL)
    assert await is_out(worker, login)
    if login.refresh_token:
        with pytest.raises(AuthenticationError):
            await worker.authentication.refresh(login.refresh_token)


async def test_who_is_let_in_again_logs_in_again(worker: Worker, kind: SessionKind) -> None:
    """What was open when the user was kept out stays shut, whoever has kept a copy of it."""
    login = await log_in(worker, kind)
    documents = worker.app.documents
    for enabled in (False, True):
        await documents.update(worker.administrator, "User", EMAIL, {"enabled": enabled})
    assert await is_out(worker, login)
    assert not await is_out(worker, await log_in(worker, kind))


async def test_a_revocation_reaches_other_workers_within_a_second(
    worker: Worker, start_worker: StartWorker, kind: SessionKind
) -> None:
    other, login = await start_worker(), await log_in(worker, kind)
    assert not await is_out(other, login)
    await worker.authentication.logout(carried(login, unsafe=True))
    await asyncio.sleep(1.01)
    assert await is_out(other, login)


async def test_a_change_by_the_document_api_is_heard_within_a_second(worker: Worker, kind: SessionKind) -> None:
    login = await log_in(worker, kind)
    assert not await is_out(worker, login)
    documents = worker.app.documents.scoped(worker.administrator)
    await documents.create("Role", {"name": "Pilot"})
    await documents.update("User", EMAIL, {"roles": ["Pilot"]})
    await asyncio.sleep(1.01)
    principal = await worker.authentication.authenticate(carried(login))
    assert principal
    assert principal.roles == {"Pilot", "Guest"}
    await documents.update("User", EMAIL, {"enabled": False})
    await asyncio.sleep(1.01)
    assert await is_out(worker, login)


async def test_attributes_feed_the_principal(worker: Worker) -> None:
    documents = worker.app.documents.scoped(worker.administrator)
    await documents.update("User", EMAIL, {"attributes": {"territory": ["North", "South"]}})
    principal = await worker.authentication.authenticate(carried(await log_in(worker)))
    assert principal
    assert principal.attributes == {"territory": ("North", "South")}
