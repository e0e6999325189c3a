"""The real application on SQLite and PostgreSQL, under a clock that tests set."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.container.container import Container
from framework_m_core.domain.scope import Principal, RequestScope
from framework_m_core.interfaces.session import SessionKind
from framework_m_standard.auth.authentication import SessionAuthentication
from framework_m_standard.auth.identity import DocumentIdentity
from framework_m_standard.auth.sessions import DocumentSessions
from framework_m_standard.auth.settings import AuthSettings

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
PASSWORD = "correct horse battery"
ADDRESS = "192.0.2.1"


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


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
    def administrator(self) -> RequestScope:
        principal = Principal("the-administrator", frozenset({"Administrator"}))
        return RequestScope(principal, clock=self.clock)

    async def rows(self, doctype: str) -> int:
        """How many documents of a DocType are stored."""
        async with self.app.container.get("unit_of_work")(self.administrator) as unit:
            return int(await unit.repository(doctype).count())


type StartWorker = Callable[..., Awaitable[Worker]]
"""Starts a worker, in production if so told."""

_PRODUCTION = {
    "M_FRAMEWORK__ENV": "production",
    "M_AUTH__SECRET": "s" * 48,
    "M_HTTP__CORS_ORIGINS": "",
}


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["sqlite", "postgres"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty database of one test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'auth.db'}"
        return
    name = f"auth_{secrets.token_hex(6)}"
    await _administer(f"CREATE DATABASE {name}")
    yield f"{POSTGRES.rpartition('/')[0]}/{name}"
    await _administer(f"DROP DATABASE {name} WITH (FORCE)")


async def _administer(sql: str) -> None:
    connection = await asyncpg.connect(POSTGRES)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture
async def start_worker(tmp_path: Path, database_url: str, clock: SetClock) -> AsyncIterator[StartWorker]:
    """Starts workers that share a store, as the processes of one installation do."""
    async with AsyncExitStack() as stack:

        async def start(*, production: bool = False) -> Worker:
            container = Container()
            container.override("clock", clock)
            environment = {"DATABASE_URL": database_url}
            if production:
                async with open_application(tmp_path, environment=environment):
                    environment |= _PRODUCTION  # production finds the tables made
            opened = open_application(tmp_path, environment=environment, container=container)
            return Worker(await stack.enter_async_context(opened), clock)

        yield start


@pytest.fixture
async def worker(start_worker: StartWorker) -> Worker:
    return await start_worker()


@pytest.fixture
def settings() -> AuthSettings:
    return AuthSettings(secret=SecretStr("s" * 48))


@pytest.fixture(params=list(SessionKind))
def kind(request: pytest.FixtureRequest) -> SessionKind:
    found: SessionKind = request.param
    return found
