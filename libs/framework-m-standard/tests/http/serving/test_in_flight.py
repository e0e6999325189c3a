"""The limits of bytes in flight that are configured hold in each server."""

from __future__ import annotations

import select
import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from .conftest import PRODUCTION, Run

HEAD = b"POST /api/v1/Slow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n"


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("command", "setting", "expected"),
    [
        ("start --port 0", "M_HTTP__MAX_IN_FLIGHT_MB_PER_CALLER", b" 429 "),
        ("prod --port 0", "M_HTTP__MAX_IN_FLIGHT_MB", b" 503 "),
        ("prod --port 0 --workers 2", "M_HTTP__MAX_IN_FLIGHT_MB_PER_CALLER", b" 429 "),
    ],
)
def test_a_body_past_the_configured_limit_is_refused(run: Run, command: str, setting: str, expected: bytes) -> None:
    """Each of two workers lets one through, so that the third is refused."""
    server = run(command, **PRODUCTION, **{setting: "1"})
    server.wait_until_it_serves()
    place = urlsplit(server.address)
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.create_connection((place.hostname, place.port))) for _ in range(3)]
        for one in opened:
            one.sendall(HEAD + b" " * 700_000)
        ready, _, _ = select.select(opened, (), (), 20)
        assert expected in ready[0].recv(65536)[:20]
    assert server.end() == 0
