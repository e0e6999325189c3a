"""A CRM that starts, or does not."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.product import Product, copy_crm

SERVERS = (("start", "--no-reload"), ("start",))
SECRET = secrets.token_urlsafe(48)
READY = {"M_AUTH__SECRET": SECRET, "M_HTTP__CORS_ORIGINS": ""}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Product]:
    """A CRM that was never started, on SQLite: for what has to do with no store."""
    product = Product(copy_crm(tmp_path), f"sqlite:///{tmp_path / 'crm.db'}")
    yield product
    product.kill()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def refuses(product: Product, *command: str, says: tuple[str, ...]) -> str:
    """Runs a command that cannot work: one message with all that is wrong, and exit code 2."""
    done = product.m(*command, "--port", str(product.port), check=False)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stdout + done.stderr
    assert "is running on" not in done.stdout + done.stderr
    for word in says:
        assert word in done.stderr, (word, done.stderr)
    assert is_free(product.port)
    return done.stderr
