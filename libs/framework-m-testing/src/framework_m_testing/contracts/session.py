"""What every `SessionProtocol` must do."""

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


class SessionContract(Contract):
    """Give it fixtures.

    `sessions`; `elsewhere`, those of another process over the same store (the same object, where a store serves one
    process); `clock`, a `SetClock` that both go by; `user_id`, somebody who may have sessions; `kept`, an async
    function that tells all that the store holds of sessions, as text.
    """

    @pytest.mark.parametrize("kind", list(SessionKind))
    async def test_a_session_is_found_until_it_expires(
        self, sessions: SessionProtocol, clock: SetClock, user_id: UUID, kind: SessionKind
    ) -> None:
        """As it was opened; its secret is worth nothing from then on."""
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
        """Long enough that nobody guesses them."""
        opened = [await sessions.open(user_id, 0, SessionKind.COOKIE) for _ in range(3)]
        told = {text for one in opened for text in (one.secret, one.csrf_token)}
        assert len(told) == 6
        assert min(map(len, told)) >= 22  # 128 bits in base64

    async def test_secrets_are_kept_as_hashes_only(
        self, sessions: SessionProtocol, user_id: UUID, kept: Callable[[], Awaitable[str]]
    ) -> None:
        """By which whoever verifies one knows it; also after a rotation."""
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
        """To the same session, of the same user and epoch."""
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

    @pytest.mark.parametrize("secret", ["spent", "another's", "", "x" * 43, "\ud800", "\0"])
    async def test_a_wrong_or_spent_secret_ends_its_session_alone(
        self, sessions: SessionProtocol, user_id: UUID, secret: str
    ) -> None:
        """Because one of two holders is a thief: the newest secret goes with it."""
        opened, other = [await sessions.open(user_id, 0, SessionKind.TOKEN) for _ in range(2)]
        rotated = await sessions.rotate(opened.session.id, opened.secret)
        assert rotated is not None
        given = {"spent": opened.secret, "another's": other.secret}.get(secret, secret)
        assert await sessions.rotate(opened.session.id, given) is None
        assert await sessions.find(opened.session.id) is None
        assert await sessions.rotate(opened.session.id, rotated.secret) is None
        assert await sessions.find(other.session.id) == other.session

    async def test_of_several_who_present_a_secret_at_once_one_is_answered_and_none_keeps_the_session(
        self, sessions: SessionProtocol, elsewhere: SessionProtocol, user_id: UUID
    ) -> None:
        """Whichever process they ask."""
        for _ in range(_RACES):
            opened = await sessions.open(user_id, 0, SessionKind.TOKEN)
            asked = (one.rotate(opened.session.id, opened.secret) for one in (sessions, elsewhere, sessions))
            answers = [answer for answer in await asyncio.gather(*asked) if answer is not None]
            assert len(answers) == 1
            assert await sessions.find(opened.session.id) is None
            assert await elsewhere.rotate(opened.session.id, answers[0].secret) is None

    async def test_an_ended_session_is_gone_and_may_be_ended_again(
        self, sessions: SessionProtocol, elsewhere: SessionProtocol, user_id: UUID
    ) -> None:
        """Everywhere; the user's others live on."""
        opened, other = [await sessions.open(user_id, 0, SessionKind.TOKEN) for _ in range(2)]
        for _ in range(2):
            await sessions.end(opened.session.id)
        assert await elsewhere.find(opened.session.id) is None
        assert await sessions.rotate(opened.session.id, opened.secret) is None
        assert await elsewhere.find(other.session.id) == other.session

    async def test_a_session_that_never_was_is_none_and_may_be_ended(self, sessions: SessionProtocol) -> None:
        """Nothing is begun by asking for it."""
        nobodys = uuid4()
        assert await sessions.find(nobodys) is None
        assert await sessions.rotate(nobodys, "x" * 43) is None
        await sessions.end(nobodys)
        assert await sessions.find(nobodys) is None
