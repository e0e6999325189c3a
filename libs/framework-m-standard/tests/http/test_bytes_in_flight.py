"""Answers that nobody reads and bodies that never end hold a bounded number of bytes, and others are served."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect

from framework_m_core.bootstrap.application import open_application
from framework_m_standard.http.app_routes import counted_request
from framework_m_standard.http.server.serving import build_server_config
from framework_m_standard.http.wire.bytes_in_flight import BytesInFlight

from .routed_app import write_app
from .test_app_routes import Shop
from .test_in_flight_limits import Connection

MIB = 1024 * 1024
LARGE = 8 * MIB
"""An answer of which the buffers of the system hold less than half."""

PER_CALLER, PER_PROCESS = 20, 50
OTHERS = ("reader", "owner", "blue", "admin", "nobody")


@dataclass
class Served:
    """An app on a real server, and its connections."""

    address: tuple[str, int]
    in_flight: BytesInFlight
    state: ServerState
    stack: AsyncExitStack

    async def send(self, *sent: bytes, buffer: int = 65536) -> asyncio.StreamReader:
        """Open a connection that takes little unread, and send to it."""
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, self.address)
        reader, writer = await asyncio.open_connection(sock=plain, limit=buffer)
        self.stack.callback(writer.close)
        for piece in sent:
            writer.write(piece)
        return reader

    async def get(self, path: str, caller: str = "", times: int = 1) -> asyncio.StreamReader:
        """Send requests without reading their answers."""
        return await self.send(*[_head("GET", path, caller)] * times)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(20):
            while not holds():  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)

    async def until_more_than(self, size: int) -> None:
        """Wait until more bytes than these are in flight."""
        await self.until(lambda: self.in_flight.total > size)

    async def settled(self, min_bytes: int = 1) -> int:
        """The bytes in flight once they have stayed the same for a while, and are so many at least."""
        seen = -1
        await self.until(lambda: self.in_flight.total >= min_bytes)
        while seen != self.in_flight.total:
            seen = self.in_flight.total
            await asyncio.sleep(0.3)
        return seen


def _head(method: str, path: str, caller: str, *headers: str) -> bytes:
    sent = [f"{method} {path} HTTP/1.1", "Host: x", *headers]
    sent += [f"Authorization: Bearer {caller}"] if caller else []
    return "\r\n".join([*sent, "", ""]).encode()


def _post(path: str, caller: str, length: int, body: bytes = b"") -> bytes:
    return _head("POST", path, caller, "Content-Type: application/json", f"Content-Length: {length}") + body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """The status, headers and body of one answer. Raises IncompleteReadError if the connection ends before."""
    async with asyncio.timeout(20):
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = dict(line.split(": ", 1) for line in lines if line)
        return int(status.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def _is_cut_off(reader: asyncio.StreamReader) -> bool:
    try:
        await _answer(reader)
    except (asyncio.IncompleteReadError, ConnectionError):
        return True
    return False


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[Served]:
    """Serve an app whose callers have few bytes."""
    in_flight, state = BytesInFlight(PER_PROCESS, PER_CALLER), ServerState()
    config = build_server_config(app, 1, lifespan="off", in_flight=in_flight)
    config.load()
    protocol: Any = config.http_protocol_class
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server, AsyncExitStack() as stack:
        yield Served(server.sockets[0].getsockname(), in_flight, state, stack)


@pytest.fixture
async def served(site: Any) -> AsyncIterator[Served]:
    """The site with a large document that all may read."""
    async with site.client("boss") as client:
        await client.post("/api/v1/Tag", json={"name": "large", "text": "x" * LARGE})
        await client.post("/api/v1/Tag", json={"name": "small", "text": "x"})
    async with serving(site.app) as opened:
        yield opened


@pytest.mark.parametrize("caller", ["boss", "reader", ""])
async def test_unread_answers_of_a_caller_are_bounded(served: Served, caller: str) -> None:
    """The oldest are dropped for the newest; what others ask for is served meanwhile."""
    first = await served.get("/api/v1/Tag/large", caller)
    await served.settled()
    slow = [await served.get("/api/v1/Tag/large", caller) for _ in range(5)]
    assert LARGE < await served.settled(LARGE) <= PER_CALLER * MIB
    assert await _is_cut_off(first)
    for path, other in (("/api/v1/Tag/large", "admin"), ("/api/v1/Tag/small", "owner"), ("/api/v1/Tag/small", caller)):
        assert (await _answer(await served.get(path, other)))[0] == 200, path
    whole = [not await _is_cut_off(reader) for reader in slow]
    assert 0 < whole.count(True) < 5
    await served.until(lambda: not served.in_flight.total)


async def test_unread_answers_of_all_callers_are_bounded(served: Served) -> None:
    """The caller that holds most makes room."""
    heavy = [await served.get("/api/v1/Tag/large", "boss") for _ in range(2)]
    await served.settled(LARGE)
    others = {name: await served.get("/api/v1/Tag/large", name) for name in OTHERS}
    assert 2 * LARGE < await served.settled(2 * LARGE) <= PER_PROCESS * MIB
    assert [await _is_cut_off(reader) for reader in heavy].count(True) >= 1
    kept = {name for name, reader in others.items() if not await _is_cut_off(reader)}
    assert len(kept) >= 2
    await served.until(lambda: not served.in_flight.total)


async def test_bytes_count_until_they_are_read(served: Served) -> None:
    reader = await served.get("/api/v1/Tag/large", "boss")
    assert LARGE <= await served.settled() <= LARGE + 1000
    assert json.loads((await _answer(reader))[2])["name"] == "large"
    assert served.in_flight.total == 0
    await served.get("/api/v1/Tag/large", "boss")
    await served.settled()
    await served.stack.aclose()
    await served.until(lambda: not served.in_flight.total)


async def test_pipelined_requests_wait_for_their_client_to_read(served: Served) -> None:
    """A connection holds one answer, however many requests came with it, or after it."""
    reader = await served.get("/api/v1/Tag/large", "boss", times=4)
    assert await served.settled() <= LARGE + 1000
    assert len(served.state.tasks) == 0, "no second answer waits in memory"
    for _ in range(4):
        status, _, body = await _answer(reader)
        assert (status, len(body) > LARGE) == (200, True)
    await served.until(lambda: not served.in_flight.total)


async def test_a_request_after_an_unread_answer_waits(served: Served) -> None:
    body = json.dumps({"name": "posted", "text": "y" * 300_000}).encode()
    reader = await served.get("/api/v1/Tag/large", "boss")
    await served.settled()
    transport = reader._transport  # type: ignore[attr-defined]
    transport.write(_post("/api/v1/Tag", "boss", len(body), body))
    await served.until(lambda: any(one._postponed for one in served.state.connections))  # type: ignore[union-attr]
    assert len(served.state.tasks) == 0
    assert (await _answer(reader))[0] == 200
    assert (await _answer(reader))[0] == 201


_UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + "x" * 24)


@pytest.mark.parametrize("document", ["small", "large"])
async def test_a_request_for_a_socket_behind_another_answer_is_an_ordinary_one(served: Served, document: str) -> None:
    """It waits for its turn, and opens no socket within the answer before."""
    upgrade = _head("GET", "/api/v1/Tag/small", "boss", *_UPGRADE)
    reader = await served.send(_head("GET", f"/api/v1/Tag/{document}", "boss") + upgrade)
    for name in (document, "small"):
        status, _, body = await _answer(reader)
        assert (status, json.loads(body)["name"]) == (200, name), name
    assert served.in_flight.total == 0


async def test_a_request_for_a_socket_after_an_unread_answer_leaves_nothing_counted(served: Served) -> None:
    reader = await served.get("/api/v1/Tag/large", "boss")
    await served.settled()
    reader._transport.write(_head("GET", "/nope", "boss", *_UPGRADE))  # type: ignore[attr-defined]
    await served.until(lambda: any(getattr(one, "_postponed", one) for one in served.state.connections))
    await served.stack.aclose()
    await served.until(lambda: not served.in_flight.total)


@pytest.mark.parametrize("path", ["/api/v1/Tag", "/api/v1/rpc/fn/sales.titles"])
async def test_bodies_that_never_end_are_bounded(served: Served, path: str) -> None:
    """A further body of the caller is refused with 429, one of others, if the process is full, with 503."""
    piece = b"x" * (6 * MIB)
    for number in range(3):
        await served.send(_post(path, "boss", 9 * MIB, piece))
        await served.until_more_than((number + 1) * len(piece) - MIB)
    refused = await served.send(_post(path, "boss", 9 * MIB, piece))
    status, headers, body = await _answer(refused)
    assert (status, json.loads(body)["code"]) == (429, "rate_limited")
    assert int(headers["retry-after"]) > 0
    await served.send(_post(path, "admin", 9 * MIB, piece))
    await served.until_more_than(24 * MIB - MIB)
    full = await served.send(_post(path, "admin", 9 * MIB, piece))
    status, headers, body = await _answer(full)
    assert (status, json.loads(body)["code"]) == (503, "not_ready")
    assert int(headers["retry-after"]) > 0
    assert served.in_flight.total <= PER_PROCESS * MIB
    assert (await _answer(await served.get("/api/v1/Tag/small", "reader")))[0] == 200
    assert (await _answer(await served.send(_post("/api/v1/Tag", "boss", 14, b'{"name": "ok"}'))))[0] == 201
    await served.stack.aclose()
    await served.until(lambda: not served.in_flight.total)


async def test_answers_make_room_for_bodies(served: Served) -> None:
    slow = [await served.get("/api/v1/Tag/large", name) for name in (*OTHERS, "boss")]
    await served.settled(6 * LARGE)
    body = json.dumps({"name": "posted", "text": "x" * (9 * MIB)}).encode()
    assert (await _answer(await served.send(_post("/api/v1/Tag", "boss", len(body), body), buffer=16 * MIB)))[0] == 201
    assert [await _is_cut_off(reader) for reader in slow].count(True) >= 1


async def test_bodies_leave_half_to_answers(served: Served) -> None:
    """Nobody's answer is dropped for them below that, and what is read slowly arrives."""
    slow = await served.get("/api/v1/Tag/large", "reader")
    await served.settled(LARGE)
    piece, sent = b"x" * (6 * MIB), list[asyncio.StreamReader]()
    for name in ("boss", "admin", "owner"):
        sent += [await served.send(_post("/api/v1/Tag", name, 9 * MIB, piece)) for _ in range(3)]
    assert b" 503 " in await asyncio.wait_for(sent[-1].readline(), 20)
    assert LARGE < await served.settled() <= (PER_PROCESS // 2) * MIB + LARGE + 1000
    assert (await _answer(slow))[0] == 200
    assert (await _answer(await served.get("/api/v1/Tag/large", "blue")))[0] == 200


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Shop, Served]]:
    """An app with routes of its own on a server."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'app.db'}")
    write_app(tmp_path)
    async with open_application(tmp_path, roles=("web", "worker")) as app, serving(app.container.get("web")) as opened:
        yield Shop(app), opened


async def test_what_an_app_buffers_counts_and_what_it_streams_does_not(shop: tuple[Shop, Served]) -> None:
    app, served = shop
    token, piece = await app.token("clerk", "Clerk"), b"x" * (4 * MIB)
    await served.send(_post("/shop/parcels", token, 9 * MIB, piece))
    await served.until_more_than(3 * MIB)
    held = served.in_flight.total
    await served.send(_post("/shop/upload", token, 90 * MIB, piece * 10))
    await served.get("/shop/download?chunks=4000", token)
    await served.until(lambda: len(served.state.tasks) == 3)
    assert held <= await served.settled() < held + MIB // 2
    assert len(served.state.tasks) == 3
    await served.stack.aclose()
    await served.until(lambda: not served.in_flight.total)


@pytest.mark.parametrize("path", ["/shop/parcels", "/shop/upload"])
async def test_who_leaves_within_a_body_is_no_error(
    shop: tuple[Shop, Served], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, served = shop
    caplog.set_level(logging.DEBUG, "framework_m_standard")
    await served.send(_post(path, await app.token("clerk", "Clerk"), 9 * MIB, b"x" * MIB))
    await served.until(lambda: bool(served.state.tasks))
    await served.stack.aclose()
    await served.until(lambda: not served.state.tasks)
    assert [record.levelname for record in caplog.records if record.name == counted_request.__name__] == ["DEBUG"]
    assert [record.name for record in caplog.records if record.levelno > logging.INFO] == []


async def test_what_a_socket_sends_counts(shop: tuple[Shop, Served]) -> None:
    app, served = shop
    place = "ws://{}:{}/shop/live".format(*served.address)
    async with AsyncExitStack() as stack:
        for number in range(3):
            headers = {"authorization": f"Bearer {await app.token(f'clerk{number}', 'Clerk')}"}
            client = await stack.enter_async_context(
                connect(place, additional_headers=headers, max_queue=1, close_timeout=0.1)
            )
            await client.send("flood")
            await served.until_more_than(number * 65536)
        assert 3 * 65536 < await served.settled() < MIB
        served.in_flight.add_unread("somebody", Connection("somebody", PER_PROCESS * MIB), PER_PROCESS * MIB)
        assert served.in_flight.total == PER_PROCESS * MIB, "the sockets were dropped, as nothing else could be"
        await served.until(lambda: not served.state.tasks)


async def test_what_tasks_send_at_once_through_a_socket_counts(shop: tuple[Shop, Served]) -> None:
    """The tasks write one after the other, as the client reads."""
    app, served = shop
    async with AsyncExitStack() as stack:
        client = await _open_socket(shop, stack, "/shop/live", await app.token("clerk", "Clerk"))
        await client.send("burst")
        await served.until(lambda: served.in_flight.total > 0)
        (connection,) = served.state.connections
        for _ in range(16):
            assert len(await client.recv()) == MIB
            assert connection.transport.get_write_buffer_size() <= served.in_flight.total + 65536


def _unfinished(size: int) -> bytes:
    """A text message of which more is to come."""
    return b"\x01\xff" + size.to_bytes(8) + bytes(4) + b"x" * size


async def _open_socket(shop: tuple[Shop, Served], stack: AsyncExitStack, path: str, token: str) -> ClientConnection:
    headers = {"authorization": f"Bearer {token}"}
    place = "ws://{}:{}".format(*shop[1].address) + path
    opening = connect(place, additional_headers=headers, close_timeout=0.1, ping_interval=None)
    return await stack.enter_async_context(opening)


async def _close_code(client: ClientConnection) -> int | None:
    async with asyncio.timeout(20):
        await client.wait_closed()
    return client.close_code


async def test_messages_that_never_end_are_bounded(shop: tuple[Shop, Served]) -> None:
    """The socket that has one too many is closed, and the others are kept."""
    app, served = shop
    token = await app.token("clerk", "Clerk")
    async with AsyncExitStack() as stack:
        clients = [await _open_socket(shop, stack, "/shop/idle", token) for _ in range(24)]
        for number, client in enumerate(clients):
            client.transport.write(_unfinished(900_000))
            await served.until_more_than(min(number, 22) * 900_000)
        assert await _close_code(clients[-1]) == 1013
        assert 23 * 900_000 <= served.in_flight.total <= PER_CALLER * MIB
        assert all(client.close_code is None for client in clients[:-1])
    await served.until(lambda: not served.in_flight.total)


async def test_a_message_of_very_many_fragments_is_refused(shop: tuple[Shop, Served]) -> None:
    async with AsyncExitStack() as stack:
        client = await _open_socket(shop, stack, "/shop/idle", await shop[0].token("clerk", "Clerk"))
        client.transport.write(_unfinished(0) + b"\x00\x80\0\0\0\0" * 5000)
        assert await _close_code(client) == 1009


async def test_messages_count_until_their_handler_takes_them(shop: tuple[Shop, Served]) -> None:
    app, served = shop
    token = await app.token("clerk", "Clerk")
    async with AsyncExitStack() as stack:
        taken = await _open_socket(shop, stack, "/shop/live", token)
        await taken.send("x" * 500_000)
        assert json.loads(await taken.recv())["said"] == "x" * 500_000
        assert served.in_flight.total == 0
        left = await _open_socket(shop, stack, "/shop/idle", token)
        await left.send("x" * 500_000)
        await served.until_more_than(500_000)
        for socket_ in served.state.connections:
            socket_.transport.abort()
        await served.until(lambda: not served.in_flight.total)
