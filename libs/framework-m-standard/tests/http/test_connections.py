"""Connections that do nothing keep nobody out, however few files a process may open."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import pytest
from uvicorn.server import ServerState

from framework_m_standard.http.routes.health import Lifecycle
from framework_m_standard.http.server import connections as module
from framework_m_standard.http.server.connections import Connections, raise_file_limit
from framework_m_standard.http.server.serving import build_server_config, listen, serve

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

type Address = tuple[str, int]


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/slow":
        scope["state"]["begun"].release()
        await scope["state"]["ended"].wait()
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def serving(connections: Connections, begun: asyncio.Semaphore | None = None) -> AsyncIterator[Address]:
    """Requests of `/slow` release `begun`, and are answered when the server ends."""
    ended = asyncio.Event()
    config = build_server_config(_app, 1, lifespan="off", connections=connections)
    config.load()
    protocol: Any = config.http_protocol_class
    made = partial(protocol, config=config, server_state=ServerState(), app_state={"begun": begun, "ended": ended})
    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    async with server:
        try:
            yield server.sockets[0].getsockname()
        finally:
            ended.set()


async def connect(stack: AsyncExitStack, address: Address, sent: bytes = b"") -> asyncio.StreamReader:
    reader, writer = await asyncio.open_connection(*address, family=socket.AF_INET)
    stack.callback(writer.close)
    writer.write(sent)
    return reader


async def status(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        return (await reader.readuntil(b"\r\n\r\n")).split()[1]


@pytest.fixture
def few_files(monkeypatch: pytest.MonkeyPatch) -> int:
    """A process that may have eight connections at once."""
    monkeypatch.setattr(module, "raise_file_limit", lambda: module._OTHER_FILES + 8)
    return 8


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET], ids=["silent", "half a head", "kept alive"])
@pytest.mark.parametrize("max_per_peer", [4, 1000])
async def test_idle_connections_make_room(few_files: int, sent: bytes, max_per_peer: int) -> None:
    async with serving(Connections(max_per_peer)) as address, AsyncExitStack() as stack:
        for _ in range(5 * few_files):
            reader = await connect(stack, address, sent)
            if sent == GET:
                assert await status(reader) == b"204"
        assert await status(await connect(stack, address, GET)) == b"204"


@pytest.mark.parametrize(("max_per_peer", "proxies", "taken"), [(4, (), 4), (4, ("127.0.0.0/8",), 8), (1000, (), 6)])
async def test_busy_connections_are_not_cut_off(
    few_files: int, max_per_peer: int, proxies: tuple[str, ...], taken: int
) -> None:
    begun = asyncio.Semaphore(0)
    async with serving(Connections(max_per_peer, proxies), begun) as address, AsyncExitStack() as stack:
        busy = [await connect(stack, address, GET.replace(b"/ ", b"/slow ")) for _ in range(taken)]
        async with asyncio.timeout(10):
            for _ in busy:
                await begun.acquire()
        refused = await connect(stack, address)
        assert await status(refused) == b"503"
        assert b'"code":"not_ready"' in await refused.read()
        assert not any(reader.at_eof() for reader in busy)


class Busy:
    """A connection whose request never ends."""

    is_idle = False

    def abort(self) -> None:
        raise AssertionError("a busy connection was closed")


@pytest.mark.parametrize(
    ("peers", "taken"),
    [
        (["2001:db8::1", "2001:db8::ffff", "2001:db8:0:0:1::1"], 2),
        (["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1"], 3),
        (["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"], 2),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3"], 3),
        (["", "", ""], 3),
    ],
)
def test_the_addresses_of_one_site_count_as_one(few_files: int, peers: list[str], taken: int) -> None:
    connections = Connections(2)
    added = [connections.add(Busy(), peer, number) for number, peer in enumerate(peers)]
    assert sum(added) == taken


def test_no_peer_has_all_connections(few_files: int) -> None:
    connections, busy = Connections(1000), [Busy() for _ in range(few_files)]
    added = [connections.add(one, "192.0.2.1", number) for number, one in enumerate(busy)]
    assert sum(added) == 6
    assert connections.add(Busy(), "192.0.2.2", 6)
    connections.remove(busy[0], "192.0.2.1")
    assert connections.add(Busy(), "192.0.2.1", 6)


@pytest.mark.slow
@pytest.mark.parametrize(("limits", "reached"), [((300, 300), 300), ((300, 600), 600)])
def test_more_idle_connections_than_files_keep_nobody_out(limits: tuple[int, int], reached: int) -> None:
    bound = listen("127.0.0.1", 0)
    process = multiprocessing.get_context("spawn").Process(target=_serve_with, args=(limits, bound))
    process.start()
    idle: list[socket.socket] = []
    try:
        for _ in range(2 * reached):
            idle.append(socket.create_connection(bound.getsockname(), timeout=20))
        for _ in range(20):
            with socket.create_connection(bound.getsockname(), timeout=20) as client:
                client.sendall(GET)
                assert client.recv(1000).startswith(b"HTTP/1.1 204")
    finally:
        process.terminate()
        process.join(20)
        for one in idle:
            one.close()
    assert process.exitcode == 0


def _serve_with(limits: tuple[int, int], bound: socket.socket) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        yield _app

    serve(opened, bound, Lifecycle(), shutdown_timeout_seconds=1)


def test_the_limit_of_files_is_raised_as_far_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    assert raise_file_limit() == 4096
    assert raised == [(4096, 4096)]
