"""Login attempts on the real stores: the contract."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from framework_m_standard.auth.login_attempts import DocumentLoginAttempts
from framework_m_testing.contracts.login_attempts import LoginAttemptsContract

from .conftest import MEMORY, StartWorker, Worker


class TestDocumentLoginAttempts(LoginAttemptsContract):
    @pytest.fixture
    def login_attempts(self, worker: Worker) -> DocumentLoginAttempts:
        found: DocumentLoginAttempts = worker.app.container.get("login_attempts")
        return found

    @pytest.fixture
    async def elsewhere(self, start_worker: StartWorker) -> DocumentLoginAttempts:
        found: DocumentLoginAttempts = (await start_worker()).app.container.get("login_attempts")
        return found

    @pytest.fixture
    def kept(self, worker: Worker) -> Callable[[], Awaitable[int]]:
        async def count() -> int:
            return len(await worker.stored("LoginAttempt"))

        return count


class TestDocumentLoginAttemptsInMemory(TestDocumentLoginAttempts):
    @pytest.fixture
    def database_url(self) -> str:
        return MEMORY
