"""Logins of an app whose sessions and counters are in Redis, over SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.domain.errors import AuthenticationError, RateLimitError, TransientError
from framework_m_core.interfaces.authentication import AuthenticationProtocol, Credentials
from framework_m_core.interfaces.session import SessionKind
from tests.redis_server import OwnRedis

EMAIL, PASSWORD, ADDRESS = "ada@example.com", "correct horse battery", "192.0.2.1"


@pytest.fixture
async def app(own_redis: OwnRedis, tmp_path: Path) -> AsyncIterator[Application]:
    """An app with one user."""
    chosen = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'app.db'}",
        "M_ADAPTERS__SESSION": "redis",
        "M_ADAPTERS__LOGIN_ATTEMPTS": "redis",
        "M_AUTH__MAX_LOGIN_FAILURES_PER_ACCOUNT": "3",
        "M_REDIS__URL": own_redis.url,
    }
    async with open_application(tmp_path, environment=chosen) as opened:
        await opened.container.get("identity").create(EMAIL, PASSWORD, [])
        yield opened


async def _log_in(app: Application, password: str = PASSWORD) -> Credentials:
    authentication: AuthenticationProtocol = app.container.get("authentication")
    login = await authentication.login(EMAIL, password, address=ADDRESS, kind=SessionKind.TOKEN)
    return Credentials(authorization=f"Bearer {login.access_token}")


async def test_a_session_outlives_a_crash_of_the_server(app: Application, own_redis: OwnRedis) -> None:
    """And while the server is away, nobody is taken for logged out."""
    authentication: AuthenticationProtocol = app.container.get("authentication")
    credentials = await _log_in(app)
    other = await _log_in(app)
    own_redis.kill()
    with pytest.raises(TransientError):
        await authentication.authenticate(other)
    with pytest.raises(TransientError):
        await app.ping()
    own_redis.start()
    await app.ping()
    principal = await authentication.authenticate(credentials)
    assert principal is not None
    await authentication.logout(credentials)
    with pytest.raises(AuthenticationError):
        await authentication.authenticate(credentials)


async def test_failures_are_counted_across_a_crash(app: Application, own_redis: OwnRedis) -> None:
    for _ in range(3):
        with pytest.raises(AuthenticationError):
            await _log_in(app, "wrong")
    own_redis.kill()
    with pytest.raises(TransientError):
        await _log_in(app)
    own_redis.start()
    with pytest.raises(RateLimitError) as refused:
        await _log_in(app)
    assert 0 < refused.value.retry_after <= 15 * 60


async def test_nothing_of_a_login_is_readable(app: Application) -> None:
    """Neither secrets, nor accounts and addresses of those who failed."""
    credentials = await _log_in(app)
    with pytest.raises(AuthenticationError):
        await _log_in(app, "wrong")
    client = app.container.get("redis_client").connected
    found: list[object] = []
    async for key in client.scan_iter():
        kind = await client.type(key)
        found += [key, await (client.hgetall(key) if kind == b"hash" else client.dump(key))]
    assert len(found) >= 6
    assert not any(text in repr(found) for text in (EMAIL, ADDRESS, str(credentials.authorization)[7:]))


async def test_a_server_that_forgets_is_warned_of(app: Application, tmp_path: Path) -> None:
    assert await app.collect_warnings() == []
    server = OwnRedis(tmp_path / "forgetful", append_only=False)
    server.start()
    try:
        chosen = {"M_ADAPTERS__STORE": "memory", "M_ADAPTERS__SESSION": "redis", "M_REDIS__URL": server.url}
        async with open_application(tmp_path, environment=chosen) as forgetful:
            (warning,) = await forgetful.collect_warnings()
            assert "session" in warning and "appendonly" in warning
    finally:
        server.stop()
