"""A MongoDB for tests: that of `MONGODB_URL`, or one of the dependency group `servers` that each worker starts.

What is missing fails the tests that ask for it, by name; nothing is skipped.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.server_process import OwnServer

VARIABLE = "MONGODB_URL"
GIVEN = os.environ.get(VARIABLE)
_MISSING = (
    f"no MongoDB for the tests: set {VARIABLE} to a replica set, or install the dependency group `servers`, "
    "which brings secantusdb"
)

SWAPS_HANG = "needs the server of MONGODB_URL: secantusd stops answering when schema changes meet transactions"


class OwnMongo(OwnServer):
    """A MongoDB."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        super().__init__(folder)
        self._durable = ["--sync-on-commit"] if durable else []
        self.url = f"mongodb://127.0.0.1:{self._port}"

    def _command(self) -> list[str]:
        binary = Path(sys.executable).with_name("secantusd-py")
        if not binary.is_file():
            pytest.fail(_MISSING, pytrace=False)
        served = [str(binary), "--host", "127.0.0.1", "--port", str(self._port)]
        return [
            *served,
            "--storage-path",
            str(self._folder / "data"),
            "--cache-size",
            "256M",
            "--log-level",
            "ERROR",
            *self._durable,
        ]

    def replace(self) -> None:
        """Kills the server, and starts an empty one at the same address."""
        self.kill()
        shutil.rmtree(self._folder)
        self.start()

    def _responds(self) -> bool:
        client: MongoClient[dict[str, Any]] = MongoClient(self.url, serverSelectionTimeoutMS=1000)
        with client:
            try:
                client.admin.command("ping")
            except PyMongoError:
                return False
            return True


@pytest.fixture(scope="session")
def mongodb_server() -> Iterator[OwnMongo | None]:
    """The server of this worker; None if one is given."""
    if GIVEN is not None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="test-mongodb-"))
    server = OwnMongo(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mongodb_url(mongodb_server: OwnMongo | None) -> str:
    """The address of a replica set."""
    return mongodb_server.url if mongodb_server else GIVEN or ""


@pytest.fixture
def own_mongodb(tmp_path: Path) -> Iterator[OwnMongo]:
    """A running server of the test's own, which it may stop, kill and start; a commit is on disk."""
    server = OwnMongo(tmp_path / "mongodb", durable=True)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def mongodb_database(mongodb_url: str, mongodb_server: OwnMongo | None) -> Iterator[str]:
    """The name of a database that does not exist yet, and is dropped after the test."""
    name = f"test_{secrets.token_hex(8)}"
    yield name
    try:
        drop_database(mongodb_url, name)
    except PyMongoError as error:
        if mongodb_server is None:
            raise
        # secantusd waits forever for the transaction of a client that was cancelled, and hangs the tests that follow
        warnings.warn(f"MongoDB's server for tests is replaced, as it does not answer: {error}", stacklevel=1)
        mongodb_server.replace()


def drop_database(url: str, name: str) -> None:
    """Drop a database that no client uses any more."""
    with MongoClient[dict[str, Any]](url, timeoutMS=90_000 if GIVEN else 30_000) as client:
        client.drop_database(name)


def drop_given_database(name: str) -> None:
    """Drop a database of the given server, whose clients may have been killed in a transaction.

    Those of a server of ours go with it: secantusd would wait for such a transaction forever.
    """
    if GIVEN is not None:
        drop_database(GIVEN, name)
