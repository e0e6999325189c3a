"""A connection on which a request does not come in time is closed, however little by little it comes."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from uvicorn.server import ServerState

from framework_m_standard.http import bounded_heads
from framework_m_standard.http.bounded_heads import BoundedHeads
from framework_m_standard.http.server import _config

BODILESS = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def _app(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def address(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server whose patience is short."""
    monkeypatch.setattr(bounded_heads, "_HEAD_SECONDS", 0.2)
    monkeypatch.setattr(bounded_heads, "_BODY_SECONDS", 0.2)
    config = _config(_app, 1)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: BoundedHeads(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()
    server.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost:",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
        BODILESS + b"GET / HTTP/1.1\r\nHost:",
    ],
)
async def test_what_stops_coming_is_ended(address: tuple[str, int], sent: bytes) -> None:
    reader, writer = await asyncio.open_connection(*address, family=socket.AF_INET)
    writer.write(sent)
    async with asyncio.timeout(5):
        got = await reader.read()
    assert got.count(b"HTTP/1.1 204") == sent.count(BODILESS)
    writer.close()


async def test_what_comes_in_time_is_served_as_often_as_it_comes(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address, family=socket.AF_INET)
    for _ in range(4):
        writer.write(BODILESS)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        await asyncio.sleep(0.12)
    writer.close()
