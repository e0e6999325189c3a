"""The shop in process, both clients of it, and a network that loses and refuses what a test says."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from framework_m_client import AsyncClient, Client
from framework_m_testing.apps import AppClient, open_app

ADDRESS = "http://shop.test"
PASSWORD = "a long password"
EMAIL = "clerk@example.com"


def lose(_: httpx.Response) -> httpx.Response:
    """Lose the answer of a request that was served."""
    raise httpx.ReadError("the connection was lost")


def unconnected() -> httpx.Response:
    """Refuse the connection."""
    raise httpx.ConnectError("refused")


def refuse(status: int, code: str, **headers: str) -> Callable[[], httpx.Response]:
    """Answer with a problem in place of the app."""
    problem = {"status": status, "code": code, "detail": "refused by the test"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: httpx.Response(status, headers=named, json=problem)


@dataclass
class Network(httpx.AsyncBaseTransport):
    """Carries requests to the app, except as told: each of `before` takes the place of a request's answer, each of
    `after` changes one."""

    app: httpx.AsyncBaseTransport
    before: list[Callable[[], httpx.Response]] = field(default_factory=list)
    after: list[Callable[[httpx.Response], httpx.Response]] = field(default_factory=list)
    sent: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if self.before:
            return self.before.pop(0)()
        response = await self.app.handle_async_request(request)
        return self.after.pop(0)(response) if self.after else response


class Loop:
    """An event loop in a thread, in which the app lives; what waits for it may wait anywhere."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Bridge(httpx.BaseTransport):
    """Carries requests of threads over a network of the loop."""

    def __init__(self, loop: Loop, network: Network) -> None:
        self._loop = loop
        self._network = network

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._loop.run(self._forward(request))

    async def _forward(self, request: httpx.Request) -> httpx.Response:
        forwarded = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        response = await self._network.handle_async_request(forwarded)
        headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
        return httpx.Response(response.status_code, headers=headers, content=await response.aread())


class Waiting:
    """An async client, or a part of it, whose calls wait, so that one test is for both clients."""

    def __init__(self, loop: Loop, wrapped: Any) -> None:
        self._loop = loop
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._wrapped, name)
        return self._wait(member) if callable(member) else member

    def _wait(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            result = method(*arguments, **named)
            if inspect.iscoroutine(result):
                return self._loop.run(result)
            if inspect.isasyncgen(result):
                return iter(self._loop.run(_collect(result)))
            return Waiting(self._loop, result)

        return call


async def _collect(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


@dataclass
class Shop:
    """The running shop."""

    loop: Loop
    network: Network
    app: AppClient
    token: str
    waits: list[float] = field(default_factory=list)

    def connect(self, kind: str, **options: Any) -> Any:
        """A client; `kind` is sync or async."""
        if kind == "sync":
            return Client(ADDRESS, transport=Bridge(self.loop, self.network), sleep=self.waits.append, **options)
        return Waiting(self.loop, AsyncClient(ADDRESS, transport=self.network, sleep=self._note, **options))

    async def _note(self, seconds: float) -> None:
        self.waits.append(seconds)


@asynccontextmanager
async def _open() -> AsyncIterator[tuple[AppClient, Network, str]]:
    async with open_app(Path(__file__).parent / "app") as app, app.client(app.user("Clerk")) as http:
        await app.application.container.get("identity").create(EMAIL, PASSWORD, ["Clerk"])
        network = Network(httpx.ASGITransport(app.application.container.get("web")))
        yield app, network, http.headers["authorization"].removeprefix("Bearer ")


@pytest.fixture
def shop() -> Iterator[Shop]:
    """The shop on an empty store in memory."""
    loop = Loop()
    opened = _open()
    try:
        yield Shop(loop, *_arranged(loop.run(opened.__aenter__())))
    finally:
        loop.run(opened.__aexit__(None, None, None))
        loop.close()


def _arranged(opened: tuple[AppClient, Network, str]) -> tuple[Network, AppClient, str]:
    app, network, token = opened
    return network, app, token


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which client."""
    return str(request.param)


@pytest.fixture
def client(shop: Shop, kind: str) -> Any:
    """A client logged in as a clerk."""
    return shop.connect(kind, token=shop.token)
