"""A connection on which a request does not come in time is closed, however little by little it comes."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import pytest
from uvicorn.server import ServerState

from framework_m_standard.http.server import bounded_protocol as bounded_heads
from framework_m_standard.http.server.bounded_protocol import BoundedHttpProtocol
from framework_m_standard.http.server.serving import build_server_config

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
    config = build_server_config(_app, 1, lifespan="off")
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: BoundedHttpProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
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


async def test_what_begins_no_request_keeps_nothing_open(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address, family=socket.AF_INET)
    writer.write(BODILESS)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"\r\n")
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_requests_that_come_in_pieces_across_each_other_are_all_served(address: tuple[str, int]) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\nX-Pad: " + b"p" * 1000 + b"\r\n\r\n"
    reader, writer = await asyncio.open_connection(*address, family=socket.AF_INET)
    sent, count = request * 100, 0
    for at in range(0, len(sent), len(request)):
        writer.write(sent[:700] if at == 0 else sent[at - len(request) + 700 : at + 700])
        await writer.drain()
        await asyncio.sleep(0.002)
    writer.write(sent[-len(request) + 700 :])
    async with asyncio.timeout(5):
        while count < 100:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
            count += 1
    writer.close()


@pytest.mark.parametrize("begun", [b"0\r\nX: ", b"1;"])
async def test_what_is_no_body_is_bounded(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    """A trailer, or the extension of a chunk, that goes on and on."""
    monkeypatch.setattr(bounded_heads, "_BODY_SECONDS", 60)
    _, writer = await asyncio.open_connection(*address, family=socket.AF_INET)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n" + begun)
    with pytest.raises(ConnectionError):
        await _send_slowly(writer, b"a" * 4096, times=100)
    writer.close()


async def _send_slowly(writer: asyncio.StreamWriter, piece: bytes, times: int) -> None:
    for _ in range(times):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.001)


async def test_a_connection_far_ahead_of_its_answers_is_closed(address: tuple[str, int]) -> None:
    """A hundred ahead are served; what a flood has sent is not kept."""
    reader, writer = await asyncio.open_connection(*address, family=socket.AF_INET)
    writer.write(BODILESS * 100)
    async with asyncio.timeout(5):
        for _ in range(100):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
    writer.write(BODILESS * 5_000)
    async with asyncio.timeout(5):
        with suppress(ConnectionError):
            assert (await reader.read(-1)).count(b"HTTP/1.1 204") < 5_000
    writer.close()
