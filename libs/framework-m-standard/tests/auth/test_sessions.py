"""Sessions on the real stores: the contract, and what is this adapter's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from framework_m_core.interfaces.session import SessionKind
from framework_m_standard.auth.sessions import DocumentSessions
from framework_m_testing.contracts.session import SessionContract

from .conftest import MEMORY, StartWorker, Worker


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
    assert len(opened.secret) == len(opened.csrf_token) == 43
    assert opened.session.expires == worker.clock.now + timedelta(days=14)


async def test_not_even_the_hash_is_shown_by_a_stored_session(worker: Worker, user_id: UUID) -> None:
    opened = await worker.sessions.open(user_id, 0, SessionKind.COOKIE)
    assert opened.session.secret_hash not in repr(await worker.stored("UserSession"))


async def test_expired_sessions_are_removed_with_the_next(worker: Worker, user_id: UUID) -> None:
    await worker.sessions.open(user_id, 0, SessionKind.TOKEN)
    worker.clock.move(days=15)
    await worker.sessions.open(user_id, 0, SessionKind.TOKEN)
    assert len(await worker.stored("UserSession")) == 1
