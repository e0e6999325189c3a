"""Sessions on the real stores: the contract, and what is this adapter's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from framework_m_core.interfaces.session import SessionKind
from framework_m_core.services.session_secrets import hash_secret
from framework_m_standard.auth.sessions import DocumentSessions
from framework_m_testing.contracts.session import SessionContract

from .conftest import MEMORY, PASSWORD, StartWorker, Worker


class TestDocumentSessions(SessionContract):
    @pytest.fixture
    def sessions(self, worker: Worker) -> DocumentSessions:
        return worker.sessions

    @pytest.fixture
    async def elsewhere(self, start_worker: StartWorker) -> DocumentSessions:
        return (await start_worker()).sessions

    @pytest.fixture
    def kept(self, worker: Worker) -> Callable[[], Awaitable[str]]:
        return lambda: worker.told("UserSession")


class TestDocumentSessionsInMemory(TestDocumentSessions):
    @pytest.fixture
    def database_url(self) -> str:
        return MEMORY


async def test_secrets_have_256_bits_and_sessions_last_as_long_as_configured(worker: Worker, user_id: UUID) -> None:
    opened = await worker.sessions.open(user_id, 0, SessionKind.COOKIE)
    assert (len(opened.secret), len(opened.csrf_token)) == (86, 43)  # the secret begins with its session's label
    assert opened.session.expires == worker.clock.now + timedelta(days=14)


async def test_not_even_the_hash_is_shown_by_a_stored_session(worker: Worker, user_id: UUID) -> None:
    opened = await worker.sessions.open(user_id, 0, SessionKind.COOKIE)
    assert opened.session.secret_hash not in repr(await worker.stored("UserSession"))


async def test_expired_sessions_are_removed_with_the_next(worker: Worker, user_id: UUID) -> None:
    await worker.sessions.open(user_id, 0, SessionKind.TOKEN)
    worker.clock.move(days=15)
    await worker.sessions.open(user_id, 0, SessionKind.TOKEN)
    assert len(await worker.stored("UserSession")) == 1


@pytest.fixture
def variables() -> dict[str, str]:
    return {"M_AUTH__MAX_SESSIONS_PER_USER": "3"}


async def test_the_newest_live_sessions_are_kept(worker: Worker, user_id: UUID) -> None:
    other = (await worker.identity.create("ben@example.com", PASSWORD, [])).id
    kept = [await worker.sessions.open(other, 0, SessionKind.TOKEN)]
    for number in range(5):
        worker.clock.move(seconds=1)
        kept.append(await worker.sessions.open(user_id, number // 4, SessionKind.TOKEN))
    stored = {session.id for session in await worker.stored("UserSession")}
    assert stored == {kept[0].session.id, kept[5].session.id}  # those of an older epoch are void
    for _ in range(4):
        kept.append(await worker.sessions.open(user_id, 1, SessionKind.COOKIE))
    stored = {session.id for session in await worker.stored("UserSession")}
    assert len(stored) == 4
    assert kept[0].session.id in stored


@pytest.mark.parametrize("seconds", ["0", "60"])
async def test_the_grace_lasts_as_long_as_configured(
    start_worker: StartWorker, variables: dict[str, str], seconds: str
) -> None:
    variables["M_AUTH__REFRESH_GRACE_SECONDS"] = seconds
    worker = await start_worker()
    user_id = (await worker.identity.create("ada@example.com", PASSWORD, [])).id
    opened = await worker.sessions.open(user_id, 0, SessionKind.TOKEN)
    first = await worker.sessions.rotate(opened.session.id, opened.secret)
    worker.clock.move(seconds=max(0, int(seconds) - 1))
    again = await worker.sessions.rotate(opened.session.id, opened.secret)
    assert again == (first if seconds == "60" else None)
    worker.clock.move(seconds=1)
    assert await worker.sessions.rotate(opened.session.id, opened.secret) is None
    assert await worker.sessions.find(opened.session.id) is None


async def test_a_session_of_before_labels_is_refreshed_and_then_guarded(worker: Worker, user_id: UUID) -> None:
    opened = await worker.sessions.open(user_id, 0, SessionKind.TOKEN)
    async with worker.app.container.get("unit_of_work")(worker.administrator) as unit:
        old = await unit.repository("UserSession").get(opened.session.id)
        old.secret_hash = hash_secret("x" * 43)
        await unit.repository("UserSession").update(old, expected_version=old.row_version)
        await unit.commit()
    rotated = await worker.sessions.rotate(opened.session.id, "x" * 43)
    assert rotated is not None
    assert await worker.sessions.rotate(opened.session.id, rotated.secret)
    worker.clock.move(minutes=1)
    assert await worker.sessions.rotate(opened.session.id, rotated.secret) is None
    assert await worker.sessions.find(opened.session.id) is None
