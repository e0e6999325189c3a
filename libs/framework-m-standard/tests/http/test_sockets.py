"""WebSockets of an app over a real server: who may open one, from where, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.interfaces.session import SessionKind
from framework_m_standard.http.server import bounded_socket, write_deadline
from framework_m_standard.http.server.bounded_protocol import BoundedHttpProtocol
from framework_m_standard.http.server.serving import build_server_config

from .routed_app import write_app

PASSWORD = "a long password"
OVER = "the session has ended"


@dataclass
class Served:
    """The app on a port of this process."""

    app: Application
    module: Any
    address: str
    state: ServerState

    async def token(self, name: str, *roles: str) -> str:
        """The access token of a new user."""
        email = f"{name}@example.com"
        await self.app.container.get("identity").create(email, PASSWORD, list(roles))
        login = await self.app.container.get("authentication").login(
            email, PASSWORD, address="::1", kind=SessionKind.TOKEN
        )
        return str(login.access_token)

    async def cookie(self, name: str) -> str:
        """The session cookie of a user, as a browser keeps it."""
        async with httpx.AsyncClient(base_url=f"http://{self.address}") as browser:
            body = {"username": f"{name}@example.com", "password": PASSWORD}
            await browser.post("/api/v1/auth/login?session=true", json=body)
            return "; ".join(f"{key}={value}" for key, value in browser.cookies.items())

    def open(self, path: str, token: str | None = None, **headers: str) -> connect:
        """A socket, opened as something that is not a browser does."""
        bearer = {"authorization": f"Bearer {token}"} if token else {}
        return connect(
            f"ws://{self.address}{path}", additional_headers={**bearer, **headers}, proxy=None, ping_interval=None,
            max_size=None,
        )  # fmt: skip


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'app.db'}")
    monkeypatch.setenv("M_HTTP__CORS_ORIGINS", "https://partner.example")
    monkeypatch.setenv("M_HTTP__MAX_SOCKETS_PER_CALLER", "3")
    monkeypatch.setattr(bounded_socket, "_END_SECONDS", 0.1)
    name = write_app(tmp_path)
    async with open_application(tmp_path, roles=("web", "worker")) as app:
        config = build_server_config(app.container.get("web"), 1, lifespan="off")
        config.load()
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: BoundedHttpProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
        )
        host, port = server.sockets[0].getsockname()
        yield Served(app, sys.modules[name], f"{host}:{port}", state)
        for connection in list(state.connections):
            connection.shutdown()
        server.close()
        await eventually(lambda: not state.tasks)


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """The code and the reason that a socket is closed with."""
    async with asyncio.timeout(5):
        with suppress(ConnectionClosed):
            async for _ in socket:
                """Not looked at."""
        await socket.wait_closed()
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.01)


async def test_it_acts_as_who_opened_it(served: Served) -> None:
    token = await served.token("clerk", "Clerk")
    async with httpx.AsyncClient(base_url=f"http://{served.address}") as http:
        bearer = {"authorization": f"Bearer {token}"}
        assert (await http.post("/shop/parcels", json={"text": "x"}, headers=bearer)).status_code == 201
        me = (await http.get("/api/v1/auth/me", headers=bearer)).json()["id"]
    given = "01890a5d-ac96-774b-bcce-b302099a8057"
    async with served.open("/shop/live", token, **{"x-request-id": given}) as socket:
        assert socket.response is not None and socket.response.headers["x-request-id"] == given
        await socket.send("hello")
        assert await socket.recv() == f'{{"said":"hello","by":"{me}","parcels":1}}'
        await socket.send("bye")
        assert await closed(socket) == (1000, "")
    async with served.open("/shop/chat") as socket:
        await socket.send("hi")
        assert await socket.recv() == ":hi"


async def test_what_it_writes_comes_from_a_socket_and_by_one_registry(served: Served) -> None:
    given = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    async with served.open(
        "/shop/live", await served.token("clerk", "Clerk"), **{"x-request-id": str(given)}
    ) as socket:
        await socket.send("send")
        made = UUID(str(await socket.recv()))
    [context] = served.module.CONTEXTS
    assert (context.source, context.registry) == ("socket", served.app.registry)
    [entry] = await served.app.container.get("audit_log").list_entries(context, "Parcel", made)
    assert (entry.source, entry.request_id) == ("socket", given)


@pytest.mark.parametrize(
    ("path", "token", "expected"),
    [
        ("/shop/idle", None, (4401, "unauthenticated")),
        ("/shop/live", "nobody", (4403, "no_grant")),
        ("/shop/live", "nonsense", (4401, "unauthenticated")),
        ("/shop/chat", "nonsense", (4401, "unauthenticated")),
        ("/shop/keyed", "nobody", (4401, "")),
    ],
)
async def test_who_may_not_open_it_is_told_by_the_code(
    served: Served, path: str, token: str | None, expected: tuple[int, str]
) -> None:
    known = await served.token("nobody") if token == "nobody" else token
    async with served.open(path, known) as socket:
        assert await closed(socket) == expected
    assert served.module.ENDED == []


@pytest.mark.parametrize("path", ["/shop/nowhere", "/api/v1/Parcel", "/api/v1/nowhere", "/shop/open", "/health", "/"])
async def test_where_there_is_no_socket_the_handshake_is_refused(served: Served, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await served.open(path, await served.token("clerk", "Clerk"))
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", "http://{own}.evil.example", "http://evil.example/{own}", "{own}"]
)
@pytest.mark.parametrize("path", ["/shop/live", "/shop/chat"])
async def test_a_page_of_another_site_cannot_use_the_cookie_of_its_visitor(
    served: Served, origin: str | None, path: str
) -> None:
    """Cross-site WebSocket hijacking: browsers add cookies to a handshake from anywhere."""
    await served.token("clerk", "Clerk")
    headers = {"cookie": await served.cookie("clerk")}
    headers |= {"origin": origin.format(own=served.address)} if origin else {}
    async with served.open(path, **headers) as socket:
        assert await closed(socket) == (4403, "origin_not_allowed")


@pytest.mark.parametrize("origin", ["http://{own}", "https://partner.example"])
async def test_pages_of_this_site_and_of_allowed_ones_use_the_cookie(served: Served, origin: str) -> None:
    await served.token("clerk", "Clerk")
    cookie = await served.cookie("clerk")
    async with served.open("/shop/chat", cookie=cookie, origin=origin.format(own=served.address)) as socket:
        await socket.send("hi")
        assert await socket.recv() == "clerk@example.com:hi"


async def test_a_token_needs_no_origin_and_decides_before_a_cookie(served: Served) -> None:
    token = await served.token("clerk", "Clerk")
    async with served.open("/shop/chat", token, origin="https://evil.example", cookie="m_session=x") as socket:
        await socket.send("hi")
        assert await socket.recv() == "clerk@example.com:hi"


@pytest.mark.parametrize(
    ("said", "expected"), [("refuse", (4400, "validation_failed")), ("break", (1011, "internal_error"))]
)
async def test_what_a_handler_raises_closes_it(
    served: Served, said: str, expected: tuple[int, str], caplog: pytest.LogCaptureFixture
) -> None:
    async with served.open("/shop/live", await served.token("clerk", "Clerk")) as socket:
        await socket.send(said)
        assert await closed(socket) == expected
    assert ("a socket failed" in caplog.text) is (said == "break")


async def test_it_does_not_outlive_its_session(served: Served) -> None:
    token = await served.token("clerk", "Clerk")
    async with served.open("/shop/live", token) as socket:
        async with httpx.AsyncClient(base_url=f"http://{served.address}") as http:
            await http.post("/api/v1/auth/logout", headers={"authorization": f"Bearer {token}"})
        await socket.send("hello")
        assert await closed(socket) == (4401, "unauthenticated")
    await eventually(lambda: served.module.ENDED)


async def test_a_large_message_is_not_taken(served: Served) -> None:
    async with served.open("/shop/chat") as socket:
        await socket.send("x" * (1024 * 1024))
        assert len(await socket.recv()) == 1024 * 1024 + 1
        await socket.send("x" * (1024 * 1024 + 1))
        assert (await closed(socket))[0] == 1009


async def test_one_caller_has_so_many_at_once(served: Served) -> None:
    token = await served.token("clerk", "Clerk")
    first = [await served.open("/shop/idle", token) for _ in range(3)]
    for socket in first:
        assert await socket.recv() == "ready"
    async with served.open("/shop/idle", token) as socket:
        assert (await closed(socket))[0] == 4429
    async with served.open("/shop/idle", await served.token("other")) as socket:
        assert await socket.recv() == "ready"
    for socket in first:
        await socket.close()
    await eventually(lambda: len(served.module.ENDED) >= 4)
    async with served.open("/shop/idle", token) as socket:
        assert await socket.recv() == "ready"


async def test_all_end_when_the_process_stops(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """One that waits for something else is cancelled."""
    token = await served.token("clerk", "Clerk")
    async with served.open("/shop/live", token) as live, served.open("/shop/idle", token) as idle:
        assert await idle.recv() == "ready"
        await live.send("hello")
        await live.recv()
        for connection in list(served.state.connections):
            connection.shutdown()
        assert (await closed(live))[0] == 1012
        assert (await closed(idle))[0] == 1012
    await eventually(lambda: not served.state.tasks)
    assert "idle" in served.module.ENDED and len(served.module.ENDED) == 2
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_client_that_is_gone_leaves_no_handler_behind(served: Served) -> None:
    async with served.open("/shop/idle", await served.token("clerk", "Clerk")) as socket:
        assert await socket.recv() == "ready"
        socket.transport.abort()
    await eventually(lambda: served.module.ENDED == ["idle"] and not served.state.tasks)


async def test_a_client_that_does_not_read_holds_little_and_not_for_long(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_deadline, "_WRITE_SECONDS", 0.3)
    async with served.open("/shop/live", await served.token("clerk", "Clerk")) as socket:
        socket.transport.pause_reading()
        await socket.send("flood")
        await eventually(lambda: served.module.ENDED)
        assert served.module.MADE["chunks"] < 400, "what was written is what the sockets of both ends hold"
        socket.transport.abort()


async def test_a_download_that_nobody_reads_is_ended(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what makes it with it."""
    monkeypatch.setattr(write_deadline, "_WRITE_SECONDS", 0.3)
    token = await served.token("clerk", "Clerk")
    host, _, port = served.address.partition(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1)
    writer.write(
        f"GET /shop/download?chunks=1000000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    await eventually(lambda: served.module.MADE["chunks"])
    await eventually(lambda: not served.state.tasks and not served.state.connections)
    assert served.module.MADE["chunks"] < 400
    writer.close()


async def test_pings_of_a_client_that_does_not_read_are_not_kept(served: Served) -> None:
    """Each asks for an answer: no more of them are read than can be answered."""
    async with served.open("/shop/idle", await served.token("clerk", "Clerk")) as socket:
        assert await socket.recv() == "ready"
        socket.transport.pause_reading()
        frame = b"\x89\xfd" + b"\0\0\0\0" + b"p" * 125
        for _ in range(100):
            socket.transport.write(frame * 1000)
            await asyncio.sleep(0.005)
        (protocol,) = (one for one in served.state.connections if isinstance(one, bounded_socket.BoundedSocket))
        await eventually(lambda: not protocol.writable.is_set())
        held = protocol.transport.get_write_buffer_size()
        for _ in range(20):
            socket.transport.write(frame * 1000)
            await asyncio.sleep(0.005)
        assert protocol.transport.get_write_buffer_size() <= held + 1024 * 1024
        socket.transport.abort()
