"""Sessions on the real store: secrets are good once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from framework_m_core.interfaces.session import SessionKind
from framework_m_standard.auth.sessions import is_secret

from .conftest import PASSWORD, StartWorker, Worker


@pytest.fixture
async def user_id(worker: Worker) -> UUID:
    return (await worker.identity.create("ada@example.com", PASSWORD, [])).id


async def test_a_session_is_found_until_it_expires(worker: Worker, user_id: UUID, kind: SessionKind) -> None:
    opened = await worker.sessions.open(user_id, 7, kind)
    session = opened.session
    assert (session.user_id, session.kind, session.epoch) == (user_id, kind, 7)
    assert session.expires == worker.clock.now + timedelta(days=14)
    assert await worker.sessions.find(session.id) == session
    worker.clock.move(days=14, seconds=-1)
    assert await worker.sessions.find(session.id) == session
    worker.clock.move(seconds=1)
    assert await worker.sessions.find(session.id) is None
    assert await worker.sessions.rotate(session.id, opened.secret) is None


async def test_secrets_have_256_bits_and_are_kept_as_hashes(worker: Worker, user_id: UUID) -> None:
    opened = await worker.sessions.open(user_id, 0, SessionKind.COOKIE)
    assert len(opened.secret) == len(opened.csrf_token) == 43
    assert is_secret(opened.secret, opened.session.secret_hash)
    assert is_secret(opened.csrf_token, opened.session.csrf_hash)
    async with worker.app.container.get("unit_of_work")(worker.administrator) as unit:
        [stored] = (await unit.repository("UserSession").list()).items
    assert opened.secret not in repr(stored.model_dump())
    assert opened.session.secret_hash not in repr(stored)


async def test_rotation_gives_a_new_secret_and_more_time(worker: Worker, user_id: UUID) -> None:
    opened = await worker.sessions.open(user_id, 0, SessionKind.TOKEN)
    worker.clock.move(days=10)
    rotated = await worker.sessions.rotate(opened.session.id, opened.secret)
    assert rotated
    assert rotated.secret != opened.secret
    assert rotated.session.id == opened.session.id
    assert rotated.session.expires == worker.clock.now + timedelta(days=14)


@pytest.mark.parametrize("secret", ["spent", "", "x" * 43, "\ud800"])
async def test_a_wrong_or_spent_secret_ends_the_session(worker: Worker, user_id: UUID, secret: str) -> None:
    opened = await worker.sessions.open(user_id, 0, SessionKind.TOKEN)
    rotated = await worker.sessions.rotate(opened.session.id, opened.secret)
    assert rotated
    given = opened.secret if secret == "spent" else secret
    assert await worker.sessions.rotate(opened.session.id, given) is None
    assert await worker.sessions.find(opened.session.id) is None
    assert await worker.sessions.rotate(opened.session.id, rotated.secret) is None


async def test_two_at_once_never_both_win(worker: Worker, start_worker: StartWorker, user_id: UUID) -> None:
    other = await start_worker()
    for _ in range(20):
        opened = await worker.sessions.open(user_id, 0, SessionKind.TOKEN)
        id, secret = opened.session.id, opened.secret
        answers = await asyncio.gather(*(one.sessions.rotate(id, secret) for one in (worker, other, worker)))
        assert sum(answer is not None for answer in answers) <= 1
        assert await worker.sessions.find(id) is None


async def test_an_ended_session_is_gone_and_may_be_ended_again(worker: Worker, user_id: UUID) -> None:
    opened, kept = [await worker.sessions.open(user_id, 0, SessionKind.TOKEN) for _ in range(2)]
    for _ in range(2):
        await worker.sessions.end(opened.session.id)
    assert await worker.sessions.find(opened.session.id) is None
    assert await worker.sessions.find(kept.session.id) == kept.session
    await worker.sessions.end(uuid4())


async def test_expired_sessions_are_removed_with_the_next(worker: Worker, user_id: UUID) -> None:
    await worker.sessions.open(user_id, 0, SessionKind.TOKEN)
    worker.clock.move(days=15)
    await worker.sessions.open(user_id, 0, SessionKind.TOKEN)
    assert await worker.rows("UserSession") == 1
