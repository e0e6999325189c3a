"""The real application on SQLite and PostgreSQL, and in memory for contracts, under a clock that tests set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.container.container import Container
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.interfaces.session import SessionKind
from framework_m_standard.auth.authentication import SessionAuthentication
from framework_m_standard.auth.identity import DocumentIdentity
from framework_m_standard.auth.sessions import DocumentSessions
from framework_m_standard.auth.settings import AuthSettings
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_testing.clock import SetClock

MEMORY = "memory"
PASSWORD = "correct horse battery"
ADDRESS = "192.0.2.1"


@dataclass(frozen=True)
class Worker:
    """One process of the app: its identity, sessions and authentication."""

    app: Application
    clock: SetClock

    @property
    def identity(self) -> DocumentIdentity:
        found: DocumentIdentity = self.app.container.get("identity")
        return found

    @property
    def sessions(self) -> DocumentSessions:
        found: DocumentSessions = self.app.container.get("session")
        return found

    @property
    def authentication(self) -> SessionAuthentication:
        found: SessionAuthentication = self.app.container.get("authentication")
        return found

    @property
    def administrator(self) -> RequestContext:
        principal = Principal("the-administrator", frozenset({"Administrator"}))
        return RequestContext(principal, clock=self.clock)

    async def stored(self, doctype: str) -> Sequence[Any]:
        """The documents of a DocType as they are stored."""
        async with self.app.container.get("unit_of_work")(self.administrator) as unit:
            found: Sequence[Any] = (await unit.repository(doctype).list()).items
            return found

    async def told(self, *doctypes: str) -> str:
        """All that is stored of some DocTypes, as text."""
        return repr([document.model_dump() for doctype in doctypes for document in await self.stored(doctype)])


type StartWorker = Callable[..., Awaitable[Worker]]
"""Starts a worker, in production if so told."""

PRODUCTION = {
    "M_FRAMEWORK__ENV": "production",
    "M_AUTH__SECRET": "0123456789abcdef" * 3,
    "M_HTTP__CORS_ORIGINS": "",
}


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of one test's own; the contracts' tests in memory put `MEMORY` here."""
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path / 'auth.db'}"


@pytest.fixture
def variables() -> dict[str, str]:
    """What a test's workers are configured with."""
    return {}


@pytest.fixture
async def start_worker(
    tmp_path: Path, database_url: str, clock: SetClock, variables: dict[str, str]
) -> AsyncIterator[StartWorker]:
    """Starts workers that share a store, as the processes of one installation do."""
    memory = MemoryDatabase(lock_timeout=5)
    async with AsyncExitStack() as stack:

        async def start(*, production: bool = False) -> Worker:
            container = Container()
            container.override("clock", clock)
            if database_url == MEMORY:
                container.override("memory_database", memory)
            store = {"M_ADAPTERS__STORE": MEMORY} if database_url == MEMORY else {"DATABASE_URL": database_url}
            environment = {**variables, **store}
            if production:
                async with open_application(tmp_path, environment=environment):
                    environment |= PRODUCTION  # production finds the tables made
            opened = open_application(tmp_path, environment=environment, container=container)
            return Worker(await stack.enter_async_context(opened), clock)

        yield start


@pytest.fixture
async def worker(start_worker: StartWorker) -> Worker:
    return await start_worker()


@pytest.fixture
def settings() -> AuthSettings:
    return AuthSettings(secret=SecretStr("0123456789abcdef" * 3))


@pytest.fixture
async def user_id(worker: Worker) -> UUID:
    """Somebody who may have sessions."""
    return (await worker.identity.create("ada@example.com", PASSWORD, [])).id


@pytest.fixture(params=list(SessionKind))
def kind(request: pytest.FixtureRequest) -> SessionKind:
    found: SessionKind = request.param
    return found
