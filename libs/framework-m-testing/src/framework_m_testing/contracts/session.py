"""The contract of `SessionProtocol`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from framework_m_core.interfaces.session import SessionKind, SessionProtocol
from framework_m_testing.clock import SetClock
from framework_m_testing.contracts.contract import Contract

__all__ = ["SessionContract"]

_SECOND = timedelta(seconds=1)
_RACES = 10
_MANY = 1_000
_GRACE = timedelta(minutes=1)
"""Longer than any adapter's grace period may be."""
_HERE, _THERE = "192.0.2.1", "198.51.100.7"


class SessionContract(Contract):
    """The contract of `SessionProtocol`.

    Provide fixtures: `sessions`; `elsewhere`, those of another process over the same store (the same object if the
    store serves only one process); `clock`, a `SetClock` that both use; `user_id`, a user who may have sessions;
    `kept`, an async function that returns all that the store holds of sessions, as text.
    """

    @pytest.mark.parametrize("kind", list(SessionKind))
    async def test_a_session_is_found_until_it_expires(
        self, sessions: SessionProtocol, clock: SetClock, user_id: UUID, kind: SessionKind
    ) -> None:
        """A session is found unchanged until it expires, and cannot be rotated afterwards."""
        opened = await sessions.open(user_id, 7, kind)
        session = opened.session
        assert (session.user_id, session.kind, session.epoch) == (user_id, kind, 7)
        assert session.expires > clock.now
        clock.now = session.expires - _SECOND
        assert await sessions.find(session.id) == session
        clock.now = session.expires
        assert await sessions.find(session.id) is None
        assert await sessions.rotate(session.id, opened.secret) is None

    async def test_every_session_has_secrets_of_its_own(self, sessions: SessionProtocol, user_id: UUID) -> None:
        """Secrets are distinct and too long to be guessed."""
        opened = [await sessions.open(user_id, 0, SessionKind.COOKIE) for _ in range(3)]
        told = {text for one in opened for text in (one.secret, one.csrf_token)}
        assert len(told) == 6
        assert min(map(len, told)) >= 22  # 128 bits in base64

    async def test_secrets_are_kept_as_hashes_only(
        self, sessions: SessionProtocol, user_id: UUID, kept: Callable[[], Awaitable[str]]
    ) -> None:
        """Secrets are stored and returned only as SHA-256 hashes, for verification, also after a rotation."""
        opened = await sessions.open(user_id, 0, SessionKind.TOKEN)
        for one in (opened, await sessions.rotate(opened.session.id, opened.secret)):
            assert one is not None
            hashes = [hashlib.sha256(text.encode()).hexdigest() for text in (one.secret, one.csrf_token)]
            assert [one.session.secret_hash, one.session.csrf_hash] == hashes
            text = f"{await kept()} {await sessions.find(one.session.id)!r}"
            assert str(one.session.id) in text
            assert one.secret not in text
            assert one.csrf_token not in text

    async def test_a_rotation_gives_new_secrets_and_more_time(
        self, sessions: SessionProtocol, clock: SetClock, user_id: UUID
    ) -> None:
        """A rotation keeps the session, its user and its epoch."""
        opened = await sessions.open(user_id, 3, SessionKind.TOKEN)
        clock.now = opened.session.expires - _SECOND
        rotated = await sessions.rotate(opened.session.id, opened.secret)
        assert rotated is not None
        session = rotated.session
        assert (session.id, session.user_id, session.epoch) == (opened.session.id, user_id, 3)
        assert session.kind is SessionKind.TOKEN
        assert len({opened.secret, rotated.secret, opened.csrf_token, rotated.csrf_token}) == 4
        assert opened.session.secret_hash != session.secret_hash
        assert opened.session.csrf_hash != session.csrf_hash
        clock.now += _SECOND
        assert await sessions.find(session.id) == session
        assert await sessions.rotate(session.id, rotated.secret)

    @pytest.mark.parametrize("rotations", [1, 3])
    async def test_a_spent_secret_ends_its_session_alone(
        self, sessions: SessionProtocol, clock: SetClock, user_id: UUID, rotations: int
    ) -> None:
        """Reuse indicates theft: the session ends with its newest secret, however many rotations lie between."""
        opened, other = [await sessions.open(user_id, 0, SessionKind.TOKEN) for _ in range(2)]
        secret = opened.secret
        for _ in range(rotations):
            rotated = await sessions.rotate(opened.session.id, secret)
            assert rotated is not None
            secret = rotated.secret
        clock.now += _GRACE
        assert await sessions.rotate(opened.session.id, opened.secret) is None
        assert await sessions.find(opened.session.id) is None
        assert await sessions.rotate(opened.session.id, secret) is None
        assert await sessions.find(other.session.id) == other.session

    @pytest.mark.parametrize("secret", ["another's", "", "x" * 43, "x" * 86, "\ud800", "\0"])
    async def test_a_secret_that_the_session_never_had_changes_nothing(
        self, sessions: SessionProtocol, clock: SetClock, user_id: UUID, secret: str
    ) -> None:
        """Otherwise anybody who knows a session's id could end it."""
        opened, other = [await sessions.open(user_id, 0, SessionKind.TOKEN) for _ in range(2)]
        given = other.secret if secret == "another's" else secret  # noqa: S105 - a placeholder
        for _ in range(2):
            assert await sessions.rotate(opened.session.id, given) is None
            assert await sessions.find(opened.session.id) == opened.session
            clock.now += _GRACE
        assert await sessions.rotate(opened.session.id, opened.secret)

    async def test_of_several_who_present_a_secret_at_once_all_are_answered_alike(
        self, sessions: SessionProtocol, elsewhere: SessionProtocol, user_id: UUID
    ) -> None:
        """Concurrent rotations, as of two browser tabs, get the same valid secrets from every process."""
        for _ in range(_RACES):
            opened = await sessions.open(user_id, 0, SessionKind.TOKEN)
            asked = (
                one.rotate(opened.session.id, opened.secret, address=_HERE) for one in (sessions, elsewhere, sessions)
            )
            responses = await asyncio.gather(*asked)
            assert len({(response.secret, response.csrf_token) for response in responses if response}) == 1
            assert None not in responses
            assert await sessions.find(opened.session.id) == responses[0].session  # type: ignore[union-attr]
            assert await elsewhere.rotate(opened.session.id, responses[0].secret)  # type: ignore[union-attr]

    async def test_the_grace_is_the_same_clients_and_the_last_secrets_alone(
        self, sessions: SessionProtocol, elsewhere: SessionProtocol, user_id: UUID
    ) -> None:
        """Presenting a spent secret from another address, or an earlier secret, ends the session at once."""
        for presented, address in ((0, _HERE), (1, _THERE)):
            secrets = [(opened := await sessions.open(user_id, 0, SessionKind.TOKEN)).secret]
            for _ in range(2):
                rotated = await sessions.rotate(opened.session.id, secrets[-1], address=_HERE)
                assert rotated is not None
                secrets.append(rotated.secret)
            assert await elsewhere.rotate(opened.session.id, secrets[presented], address=address) is None
            assert await sessions.find(opened.session.id) is None

    async def test_a_user_has_a_bounded_number_of_sessions(
        self, sessions: SessionProtocol, clock: SetClock, user_id: UUID
    ) -> None:
        """If there are too many, the user's session begun or refreshed longest ago ends; those of others live on."""
        first, second = [await sessions.open(user_id, 0, SessionKind.TOKEN) for _ in range(2)]
        clock.now += _SECOND
        assert await sessions.rotate(first.session.id, first.secret)
        for _ in range(_MANY):
            clock.now += _SECOND
            newest = await sessions.open(user_id, 0, SessionKind.COOKIE)
            if await sessions.find(second.session.id) is None:
                break
        assert await sessions.find(second.session.id) is None
        assert await sessions.find(first.session.id)
        assert await sessions.find(newest.session.id)

    async def test_an_ended_session_is_gone_and_may_be_ended_again(
        self, sessions: SessionProtocol, elsewhere: SessionProtocol, user_id: UUID
    ) -> None:
        """A session ends in every process and can be ended twice; the user's other sessions are unaffected."""
        opened, other = [await sessions.open(user_id, 0, SessionKind.TOKEN) for _ in range(2)]
        for _ in range(2):
            await sessions.end(opened.session.id)
        assert await elsewhere.find(opened.session.id) is None
        assert await sessions.rotate(opened.session.id, opened.secret) is None
        assert await elsewhere.find(other.session.id) == other.session

    async def test_a_session_that_never_was_is_none_and_may_be_ended(self, sessions: SessionProtocol) -> None:
        """An unknown session is not found or rotated, and ending it does nothing."""
        nobodys = uuid4()
        assert await sessions.find(nobodys) is None
        assert await sessions.rotate(nobodys, "x" * 43) is None
        await sessions.end(nobodys)
        assert await sessions.find(nobodys) is None
