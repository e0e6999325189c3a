"""The contract of `AuthenticationProtocol`."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio

from framework_m_core.domain.context import ADMINISTRATOR, AUTOMATIC_ROLES, Principal
from framework_m_core.domain.errors import AuthenticationError, PermissionDeniedError, RateLimitError
from framework_m_core.interfaces.authentication import AuthenticationProtocol, Credentials, Login
from framework_m_core.interfaces.identity import Identity, IdentityProtocol
from framework_m_core.interfaces.session import SessionKind
from framework_m_testing.clock import SetClock
from framework_m_testing.contracts.contract import Contract

__all__ = ["AuthenticationContract", "LoginHarness"]

_ADA, _EVE = "ada@example.com", "eve@example.com"
_PASSWORD = "correct horse battery"  # noqa: S105 - not a real password
_ANOTHER = "another long one"
_HERE, _THERE = "192.0.2.1", "198.51.100.7"
_NOBODYS = "01890000-0000-7000-8000-000000000000"
_BELIEVED = 1.01
"""Seconds after which a revocation must have reached every process."""

_each_kind = pytest.mark.parametrize("kind", list(SessionKind))


@dataclass(frozen=True)
class LoginHarness:
    """An authentication and its collaborators.

    `elsewhere` starts another process over the same store and returns its authentication (the same object if there is
    only one process). `identity` holds the users, initially none, and has the role Administrator; all use `clock`.
    An account is locked for an address after `failures` failed logins within `window`.
    """

    authentication: AuthenticationProtocol
    elsewhere: Callable[[], Awaitable[AuthenticationProtocol]]
    identity: IdentityProtocol
    clock: SetClock
    failures: int
    window: timedelta

    async def log_in(self, kind: SessionKind = SessionKind.TOKEN, *, address: str = _HERE) -> Login:
        """Log in with the right password."""
        return await self.authentication.login(_ADA, _PASSWORD, address=address, kind=kind)

    async def fail(self, times: int, username: str = _ADA, password: str = "wrong password") -> list[Exception]:  # noqa: S107
        """Attempt logins that must fail, and return their errors."""
        errors: list[Exception] = []
        for _ in range(times):
            with pytest.raises((AuthenticationError, RateLimitError)) as caught:
                await self.authentication.login(username, password, address=_HERE, kind=SessionKind.TOKEN)
            errors.append(caught.value)
        return errors

    async def is_in(self, login: Login, asked: AuthenticationProtocol | None = None) -> bool:
        """Return whether the credentials of a login are valid."""
        try:
            return await (asked or self.authentication).authenticate(_carried(login)) is not None
        except AuthenticationError:
            return False


def _carried(login: Login, *, unsafe: bool = False, csrf: bool = True) -> Credentials:
    """Return the credentials that a request of this login carries."""
    if login.access_token:
        return Credentials(authorization=f"Bearer {login.access_token}", unsafe=unsafe)
    token = login.csrf_token if csrf else None
    return Credentials(session_cookie=login.session_cookie, csrf_token=token, unsafe=unsafe)


class AuthenticationContract(Contract):
    """The contract of `AuthenticationProtocol`, except the duration of logins, which the adapter's own tests cover.

    Provide a fixture `harness`, a `LoginHarness`.
    """

    @pytest_asyncio.fixture
    async def ada(self, harness: LoginHarness) -> Identity:
        """Create a user with a password."""
        return await harness.identity.create(_ADA, _PASSWORD, [ADMINISTRATOR])

    async def test_no_credentials_are_nobody(self, harness: LoginHarness) -> None:
        """No credentials, an empty cookie or a CSRF token alone are anonymous."""
        for credentials in (Credentials(), Credentials(None, "", "", unsafe=True), Credentials(None, None, "x", True)):
            assert await harness.authentication.authenticate(credentials) is None

    @_each_kind
    async def test_a_login_is_somebody_in_every_process(
        self, harness: LoginHarness, ada: Identity, kind: SessionKind
    ) -> None:
        """A login is valid in every process, with the user's roles, Guest and All; the name is case-insensitive."""
        login = await harness.authentication.login(_ADA.upper(), _PASSWORD, address=_HERE, kind=kind)
        assert login.identity == ada
        expected = Principal(str(ada.id), frozenset({ADMINISTRATOR}), _ADA)
        for asked in (harness.authentication, await harness.elsewhere()):
            assert await asked.authenticate(_carried(login, unsafe=True)) == expected

    async def test_each_kind_carries_its_own(self, harness: LoginHarness, ada: Identity) -> None:
        """A login returns either tokens, or a cookie with its CSRF token."""
        token, cookie = [await harness.log_in(kind) for kind in (SessionKind.TOKEN, SessionKind.COOKIE)]
        assert all((token.access_token, token.refresh_token, cookie.session_cookie, cookie.csrf_token))
        assert (token.session_cookie, token.csrf_token) == (None, None)
        assert (cookie.access_token, cookie.refresh_token) == (None, None)

    @_each_kind
    async def test_a_login_is_good_for_as_long_as_it_says(
        self, harness: LoginHarness, ada: Identity, kind: SessionKind
    ) -> None:
        """A login expires exactly after `expires_in` seconds."""
        login = await harness.log_in(kind)
        harness.clock.move(seconds=login.expires_in - 1)
        assert await harness.is_in(login)
        harness.clock.move(seconds=1)
        assert not await harness.is_in(login)

    async def test_a_header_that_does_not_hold_is_refused(self, harness: LoginHarness, ada: Identity) -> None:
        """Invalid and empty headers and other schemes are rejected, even together with a valid cookie."""
        good = await harness.log_in(SessionKind.COOKIE)
        basic = "Basic " + base64.b64encode(f"{_ADA}:{_PASSWORD}".encode()).decode()
        for header in ("", " ", "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "x", "Bearer \ud800", basic):
            for cookie, csrf in ((None, None), (good.session_cookie, good.csrf_token)):
                with pytest.raises(AuthenticationError):
                    await harness.authentication.authenticate(Credentials(header, cookie, csrf))

    async def test_a_cookie_that_does_not_hold_is_refused(self, harness: LoginHarness, ada: Identity) -> None:
        """An invalid cookie is rejected, but ignored together with a valid header, which is explicit."""
        good = _carried(await harness.log_in()).authorization
        for cookie in ("x", ".", f"{_NOBODYS}.x", _NOBODYS, "\ud800.\ud800"):
            with pytest.raises(AuthenticationError):
                await harness.authentication.authenticate(Credentials(session_cookie=cookie))
            assert await harness.authentication.authenticate(Credentials(good, cookie))

    async def test_a_header_beats_a_cookie_of_somebody_else(self, harness: LoginHarness, ada: Identity) -> None:
        """The header decides, also on logout, which does not end the cookie's session."""
        eve = await harness.identity.create(_EVE, _PASSWORD, [])
        cookie = await harness.authentication.login(_EVE, _PASSWORD, address=_HERE, kind=SessionKind.COOKIE)
        token = await harness.log_in()
        both = Credentials(_carried(token).authorization, cookie.session_cookie, unsafe=True)
        principal = await harness.authentication.authenticate(both)
        assert principal is not None
        assert (principal.id, principal.id == str(eve.id)) == (str(ada.id), False)
        await harness.authentication.logout(both)
        assert await harness.is_in(cookie)
        assert not await harness.is_in(token)

    async def test_a_credential_of_one_kind_is_none_of_another(self, harness: LoginHarness, ada: Identity) -> None:
        """A credential is rejected as another kind, even after it was verified as its own, and no session ends."""
        token, cookie = [await harness.log_in(kind) for kind in (SessionKind.TOKEN, SessionKind.COOKIE)]
        wrong = (
            Credentials(session_cookie=token.refresh_token),
            Credentials(session_cookie=f"Bearer {token.access_token}"),
            Credentials(authorization=f"Bearer {token.refresh_token}"),
            Credentials(authorization=f"Bearer {cookie.session_cookie}"),
            Credentials(authorization=cookie.session_cookie),
        )
        for credentials in wrong:
            assert await harness.is_in(token)
            assert await harness.is_in(cookie)
            with pytest.raises(AuthenticationError):
                await harness.authentication.authenticate(credentials)
        for other in (cookie.session_cookie, token.access_token):
            with pytest.raises(AuthenticationError):
                await harness.authentication.refresh(str(other))
        assert await harness.is_in(cookie)
        assert await harness.is_in(token)

    async def test_a_cookie_needs_its_own_csrf_token_to_change_anything(
        self, harness: LoginHarness, ada: Identity
    ) -> None:
        """Reading needs no CSRF token, nor does a valid header, which no browser adds by itself."""
        login, other = [await harness.log_in(SessionKind.COOKIE) for _ in range(2)]
        header = _carried(await harness.log_in()).authorization
        for token in (None, "", "x", "\ud800", other.csrf_token):
            with pytest.raises(PermissionDeniedError) as caught:
                await harness.authentication.authenticate(Credentials(None, login.session_cookie, token, unsafe=True))
            assert caught.value.code == "csrf_failed"
            assert await harness.authentication.authenticate(
                Credentials(header, login.session_cookie, token, unsafe=True)
            )
        assert await harness.authentication.authenticate(_carried(login, csrf=False))
        assert await harness.authentication.authenticate(_carried(login, unsafe=True))

    async def test_a_failed_login_does_not_say_what_was_wrong(self, harness: LoginHarness, ada: Identity) -> None:
        """Unknown and disabled users, users without a password and wrong passwords cause the same errors.

        This includes the number of failures after which the account is locked.
        """
        await harness.identity.create("none@example.com", None, [])
        await harness.identity.create("out@example.com", _PASSWORD, [])
        await harness.identity.disable("out@example.com")
        right = [("none@example.com", _PASSWORD), ("out@example.com", _PASSWORD), (_EVE, _PASSWORD)]
        responses = []
        for username, password in ((_ADA, _ANOTHER), *right):
            refused = await harness.fail(harness.failures + 1, username, password)
            responses.append([_told(error) for error in refused])
        assert responses[0][0] != responses[0][-1]
        assert responses[1:] == responses[:1] * 3

    async def test_an_odd_name_or_password_is_a_failed_login(self, harness: LoginHarness, ada: Identity) -> None:
        """A name or password of any length and characters is an ordinary failed login."""
        for username, password in (("", ""), ("x" * 1000, "x"), ("\ud800", "\ud800"), ("\0", "\0"), (_ADA, "x" * 2000)):
            [refused] = await harness.fail(1, username, password)
            assert isinstance(refused, AuthenticationError)

    async def test_guessing_is_held_up_even_when_the_guess_is_right(self, harness: LoginHarness, ada: Identity) -> None:
        """The account is locked for that address until the failures expire; the owner can log in from another."""
        refused = await harness.fail(harness.failures)
        assert {type(error) for error in refused} == {AuthenticationError}
        with pytest.raises(RateLimitError) as caught:
            await harness.log_in()
        assert 0 < caught.value.retry_after <= harness.window.total_seconds()
        assert await harness.is_in(await harness.log_in(address=_THERE))
        harness.clock.move(seconds=caught.value.retry_after - 1)
        with pytest.raises(RateLimitError):
            await harness.log_in()
        harness.clock.move(seconds=2)
        assert await harness.is_in(await harness.log_in())

    async def test_logins_that_succeed_are_not_counted(self, harness: LoginHarness, ada: Identity) -> None:
        """A successful login is not counted, and resets earlier failures."""
        for _ in range(2):
            await harness.fail(harness.failures - 1)
            await harness.log_in()
        for _ in range(harness.failures + 1):
            await harness.log_in()

    async def test_a_refresh_brings_other_tokens_once_the_first_expire(
        self, harness: LoginHarness, ada: Identity
    ) -> None:
        """A refresh returns new tokens for the same session and user, in any process."""
        login = await harness.log_in()
        harness.clock.move(seconds=login.expires_in)
        again = await (await harness.elsewhere()).refresh(str(login.refresh_token))
        assert again.identity == login.identity
        assert {again.access_token, again.refresh_token}.isdisjoint({login.access_token, login.refresh_token})
        assert not await harness.is_in(login)
        assert await harness.is_in(again)
        assert await harness.is_in(await harness.authentication.refresh(str(again.refresh_token)))

    async def test_a_spent_refresh_token_ends_the_session_at_once(self, harness: LoginHarness, ada: Identity) -> None:
        """Reusing a refresh token ends the session with all its tokens; the user's other sessions are unaffected."""
        login, other = [await harness.log_in() for _ in range(2)]
        again = await harness.authentication.refresh(str(login.refresh_token))
        assert await harness.is_in(again)
        harness.clock.move(seconds=60)
        with pytest.raises(AuthenticationError):
            await harness.authentication.refresh(str(login.refresh_token))
        assert not await harness.is_in(again)
        with pytest.raises(AuthenticationError):
            await harness.authentication.refresh(str(again.refresh_token))
        assert await harness.is_in(other)

    async def test_what_is_no_refresh_token_is_refused(self, harness: LoginHarness) -> None:
        """Refreshing with an invalid token raises AuthenticationError, whatever its characters."""
        for token in ("", "x", ".", f"{_NOBODYS}.x", "\ud800"):
            with pytest.raises(AuthenticationError):
                await harness.authentication.refresh(token)

    @_each_kind
    async def test_a_logout_holds_at_once_and_for_its_session_alone(
        self, harness: LoginHarness, ada: Identity, kind: SessionKind
    ) -> None:
        """A logout ends only its own session, at once, including its refresh token."""
        login, other = [await harness.log_in(kind) for _ in range(2)]
        assert await harness.is_in(login)
        await harness.authentication.logout(_carried(login, unsafe=True))
        assert not await harness.is_in(login)
        assert await harness.is_in(other)
        if login.refresh_token:
            with pytest.raises(AuthenticationError):
                await harness.authentication.refresh(login.refresh_token)

    async def test_a_logout_needs_credentials_that_hold(self, harness: LoginHarness, ada: Identity) -> None:
        """A logout needs valid credentials and, with a cookie, its CSRF token, lest other sites log users out."""
        for credentials in (Credentials(unsafe=True), Credentials(authorization="Bearer x", unsafe=True)):
            with pytest.raises(AuthenticationError):
                await harness.authentication.logout(credentials)
        login = await harness.log_in(SessionKind.COOKIE)
        with pytest.raises(PermissionDeniedError):
            await harness.authentication.logout(_carried(login, unsafe=True, csrf=False))
        assert await harness.is_in(login)

    async def test_a_logout_during_a_verification_is_not_forgotten(self, harness: LoginHarness, ada: Identity) -> None:
        """A verification that starts before a logout and ends after it is not cached."""
        login = await harness.log_in()
        asked: Sequence[asyncio.Task[bool]] = [asyncio.create_task(harness.is_in(login)) for _ in range(5)]
        await harness.authentication.logout(_carried(login))
        await asyncio.gather(*asked)
        assert not await harness.is_in(login)

    @_each_kind
    async def test_a_new_password_or_an_end_of_leave_holds_at_once_and_for_good(
        self, harness: LoginHarness, ada: Identity, kind: SessionKind
    ) -> None:
        """A new password or disabling voids all sessions for good; a user enabled again must log in again."""
        login = await harness.log_in(kind)
        assert await harness.is_in(login)
        await harness.identity.set_password(_ADA, _PASSWORD)
        assert not await harness.is_in(login)
        later = await harness.log_in(kind)
        assert await harness.is_in(later)
        await harness.identity.disable(_ADA, even_last_administrator=True)
        assert not await harness.is_in(later)
        await harness.identity.enable(_ADA)
        for void in (login, later):
            assert not await harness.is_in(void)
            if void.refresh_token:
                with pytest.raises(AuthenticationError):
                    await harness.authentication.refresh(void.refresh_token)
        assert await harness.is_in(await harness.log_in(kind))

    async def test_a_role_counts_at_once(self, harness: LoginHarness) -> None:
        """A new role takes effect at once in existing sessions."""
        await harness.identity.create(_ADA, _PASSWORD, [])
        login = await harness.log_in()
        roles = []
        for _ in range(2):
            principal = await harness.authentication.authenticate(_carried(login))
            assert principal is not None
            roles.append(principal.roles)
            await harness.identity.add_role(_ADA, ADMINISTRATOR)
        assert roles == [AUTOMATIC_ROLES, {*AUTOMATIC_ROLES, ADMINISTRATOR}]

    async def test_what_ends_a_session_reaches_other_processes_within_a_second(
        self, harness: LoginHarness, ada: Identity
    ) -> None:
        """Logouts and changes of the user reach other processes within a second, for both kinds of session."""
        left = [await harness.log_in(kind) for kind in SessionKind]
        await harness.identity.create(_EVE, _PASSWORD, [])
        voided = [await harness.authentication.login(_EVE, _PASSWORD, address=_HERE, kind=kind) for kind in SessionKind]
        elsewhere = await harness.elsewhere()
        for login in (*left, *voided):
            assert await harness.is_in(login, elsewhere)
        for login in left:
            await harness.authentication.logout(_carried(login, unsafe=True))
        await harness.identity.disable(_EVE)
        harness.clock.move(seconds=_BELIEVED)
        await asyncio.sleep(_BELIEVED)
        assert [login for login in (*left, *voided) if await harness.is_in(login, elsewhere)] == []


def _told(error: Exception) -> tuple[object, ...]:
    """Return everything that a caller learns from an error."""
    return type(error), str(error), getattr(error, "code", None), getattr(error, "details", None)
