"""A client that does not read its answer is left, and a large body may take its time as long as it comes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from itertools import chain, repeat
from typing import Any

import pytest
from uvicorn.server import ServerState

from framework_m_standard.http.server import bounded_protocol, write_deadline
from framework_m_standard.http.server.bounded_protocol import BoundedHttpProtocol
from framework_m_standard.http.server.serving import build_server_config, listen
from framework_m_standard.http.wire.bytes_in_flight import BytesInFlight

PIECE = b"x" * 65536
MIB = 1024 * 1024


class Server:
    """Serves a large answer whole at `/whole`, one of `size` at `/sized`, in pieces elsewhere, with the body read."""

    def __init__(self) -> None:
        self.received = 0
        self.size = 0
        self.state = ServerState()
        self.in_flight = BytesInFlight()
        self.address: tuple[str, int] = ("", 0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Counts what it takes."""
        more = True
        while more:
            message = await receive()
            self.received += len(message.get("body", b""))
            more = message.get("more_body", False)
        if scope["path"] == "/sized":
            headers = [(b"content-length", str(self.size).encode()), (b"connection", scope["query_string"])]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"x" * self.size})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        if scope["path"] == "/whole":
            await send({"type": "http.response.body", "body": PIECE * 256})
            return
        for _ in range(256):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(write_deadline, "_WRITE_SECONDS", 0.2)
    monkeypatch.setattr(bounded_protocol, "_BODY_SECONDS", 0.2)
    served = Server()
    config = build_server_config(served, 1, lifespan="off")
    config.load()
    bound = listen("127.0.0.1", 0)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # else the system takes more with time
    listening = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttpProtocol(config=config, server_state=served.state, app_state={}, in_flight=served.in_flight),
        sock=bound,
    )
    served.address = listening.sockets[0].getsockname()
    yield served
    listening.close()


async def opened(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that holds little unread."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, server.address)
    return await asyncio.open_connection(sock=plain, limit=65536)


async def gone(server: Server) -> None:
    """Wait until the server holds no connection and runs nothing."""
    async with asyncio.timeout(5):
        while server.state.connections or server.state.tasks:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", ["/whole", "/pieces"])
async def test_who_does_not_read_is_left(server: Server, path: str) -> None:
    _, writer = await opened(server)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await gone(server)
    writer.close()


@pytest.mark.parametrize("path", ["/whole", "/pieces"])
async def test_who_reads_slowly_is_served(server: Server, path: str) -> None:
    reader, writer = await opened(server)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    got = 0
    async with asyncio.timeout(20):
        while chunk := await reader.read(MIB // 2):
            got += len(chunk)
            await asyncio.sleep(0.002)
    assert got > 256 * len(PIECE)
    writer.close()


async def left(server: Server) -> int:
    """What the transports have that the system has not taken, once that stays the same."""
    seen = size = 0
    async with asyncio.timeout(5):
        while not 0 < size == seen:
            await asyncio.sleep(0.05)
            seen, size = size, sum(one.transport.get_write_buffer_size() for one in server.state.connections)
    return size


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_an_answer_counts_whole_however_little_of_it_waits(
    server: Server, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it has a deadline, also on a connection that is closing."""
    monkeypatch.setattr(write_deadline, "_WRITE_SECONDS", 0.6)
    asked = f"GET /sized?{connection} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    server.size = MIB
    _, first = await opened(server)
    first.write(asked)
    server.size -= await left(server) - 20_000
    await gone(server)
    _, second = await opened(server)
    second.write(asked)
    assert 0 < await left(server) < 64 * 1024
    assert server.in_flight.total == server.size
    await gone(server)
    assert server.in_flight.total == 0
    first.close()
    second.close()


class Transport:
    """Has less unread from the second time on that it is asked, until it is aborted."""

    def __init__(self, unread: int, read: int) -> None:
        self.sizes = chain([unread], repeat(unread - read))
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        """What is left."""
        return next(self.sizes)

    def get_extra_info(self, name: str) -> int:
        """A socket that is closed."""
        return 2**20

    def abort(self) -> None:
        """End."""
        self.aborted = True


@pytest.mark.parametrize(
    ("unread", "read", "is_left"),
    [(16 * MIB, MIB, False), (16 * MIB, MIB // 2, True), (MIB // 8, 30_000, True), (MIB // 8, 40_000, False)],
)
async def test_a_large_answer_is_read_within_a_time(unread: int, read: int, is_left: bool) -> None:
    """Reading some of it in each period does not keep all of it in memory for long; it counts in full until then."""
    transport, in_flight = Transport(unread, read), BytesInFlight()
    deadline = write_deadline.WriteDeadline(asyncio.get_running_loop(), transport, in_flight, lambda: "ada")
    deadline.add(unread)
    assert in_flight.total == unread
    for number in range(10):
        assert not transport.aborted
        deadline._look()
        assert deadline.is_reading == (number == 0)
    assert (transport.aborted, in_flight.total) == (is_left, 0 if is_left else unread)
    deadline.stop()
    assert in_flight.total == 0


async def test_a_large_body_may_take_longer_than_a_small_one(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_protocol, "_BODY_OCTETS", 1000)
    reader, writer = await opened(server)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")
    for _ in range(60):
        writer.write(b"x" * 1000)
        await asyncio.sleep(0.01)
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    assert server.received == 60000
    writer.close()


async def test_a_body_that_trickles_is_ended(server: Server) -> None:
    reader, writer = await opened(server)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")
    for _ in range(1000):
        writer.write(b"x")
        await asyncio.sleep(0.005)
        if reader.at_eof() or reader.exception():
            break
    assert server.received < 1000
    await gone(server)
    writer.close()
