"""The log context of requests: each record tells of its own, however they are interleaved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.log_context import LOG_CONTEXT, LogContext, bind_log_context, log_fields
from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.http.middleware.request_context import RequestContextMiddleware
from framework_m_standard.http.middleware.request_log import RequestLog
from framework_m_standard.http.middleware.sockets import SocketAdmission

_log = logging.getLogger("acme")


class Recorded(logging.Handler):
    """Each record's message, with the context it was emitted in."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append((record.getMessage(), log_fields()))

    def of(self, message: str) -> list[dict[str, str]]:
        return [fields for said, fields in self.seen if message in said]


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    handler, root, level = Recorded(), logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


class App:
    """Logs, waits for its turn, and logs again."""

    def __init__(self) -> None:
        self.begun: dict[str, asyncio.Event] = {}
        self.go_on: dict[str, asyncio.Event] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        name = scope["query_string"].decode()
        _log.info("begun %s", name)
        self.begun.setdefault(name, asyncio.Event()).set()
        await self.go_on.setdefault(name, asyncio.Event()).wait()
        await asyncio.create_task(self._work(name))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _work(self, name: str) -> None:
        _log.info("worked %s", name)


def _wrapped(app: Any, site: Any, authentication: Any = None) -> RequestContextMiddleware:
    known, registry_handle = authentication or site.authentication, RegistryHandle(site.registry)
    return RequestContextMiddleware(app, known, registry_handle, system_clock, SocketAdmission(known, (), 1))


async def test_interleaved_requests_keep_their_contexts(site: Any, recorded: Recorded) -> None:
    """Two on one connection's task and two beside them; they end in the reverse order of their beginning."""
    app = App()
    wrapped = _wrapped(app, site)
    names, ids = ["a", "b", "c"], {name: uuid4() for name in "abc"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(wrapped), base_url="http://site") as client:
        tasks = []
        for name, token in zip(names, ["boss", "owner", None], strict=True):
            headers = {"x-request-id": str(ids[name]), **({"authorization": f"Bearer {token}"} if token else {})}
            tasks.append(asyncio.create_task(client.get(f"/x?{name}", headers=headers)))
            await app.begun.setdefault(name, asyncio.Event()).wait()
        for name in reversed(names):
            app.go_on[name].set()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
    users = set()
    for name in names:
        (begun,), (worked,) = recorded.of(f"begun {name}"), recorded.of(f"worked {name}")
        assert begun == worked
        assert (begun["source"], begun["request_id"], begun["correlation_id"]) == ("http", *[str(ids[name])] * 2)
        users.add(begun.get("user_id"))
    assert len(users) == 3 and None in users


class _Tenants(RegistryHandle):
    """The handle of an app that knows the tenant of its callers."""

    def make_context(self, *arguments: Any, **given: Any) -> RequestContext:
        return super().make_context(*arguments, **{**given, "tenant": "acme"})


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_the_tenant_of_a_caller_is_known(site: Any, recorded: Recorded, kind: str) -> None:
    async def log(scope: Any, receive: Any, send: Any) -> None:
        _log.info("begun")

    admission = SocketAdmission(site.authentication, (), 1)
    wrapped = RequestContextMiddleware(log, site.authentication, _Tenants(site.registry), system_clock, admission)
    head = {"method": "GET", "path": "/x", "raw_path": b"/x", "query_string": b"", "http_version": "1.1"}
    headers = [(b"host", b"site"), (b"authorization", b"Bearer boss")]
    await wrapped({"type": kind, "scheme": "ws", "headers": headers, **head}, _nothing, _ignore)
    [fields] = recorded.of("begun")
    assert fields["user_id"] and fields["tenant"] == "acme"


async def _nothing() -> Any:
    return {"type": "websocket.connect"}


async def _ignore(message: Any) -> None:
    """Take what is sent."""


async def test_nothing_of_a_request_is_left_behind(site: Any) -> None:
    outer = LogContext("cli", command="start")
    with bind_log_context(outer):
        for path in ("/api/v1/Sale", "/nowhere", "/api//x"):
            async with site.client("boss") as client:
                await client.get(path)
            assert LOG_CONTEXT.get() is outer, path


async def test_a_request_that_raises_leaves_nothing_behind(site: Any) -> None:
    async def fails(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError

    wrapped = _wrapped(fails, site)
    head = {"method": "GET", "path": "/", "raw_path": b"/", "http_version": "1.1", "headers": [(b"host", b"a")]}
    with pytest.raises(RuntimeError):
        await wrapped({"type": "http", **head}, None, None)  # type: ignore[arg-type]
    assert LOG_CONTEXT.get() is None


async def test_a_failure_in_a_hook_is_logged_with_its_request(site: Any, recorded: Recorded) -> None:
    number = uuid4()
    async with site.client("boss") as client:
        response = await client.post("/api/v1/Sale", json={"title": "break"}, headers={"x-request-id": str(number)})
    assert response.status_code == 500
    (fields,) = recorded.of("failed")
    assert fields["request_id"] == str(number) and fields["user_id"]


async def test_credentials_that_are_refused_are_logged_with_the_request(site: Any, recorded: Recorded) -> None:
    class Away:
        async def authenticate(self, credentials: Any) -> Any:
            _log.info("looking")
            raise RuntimeError("the store of sessions is broken")

    number = uuid4()
    wrapped = _wrapped(site.app._app, site, Away())
    headers = {"authorization": "Bearer x", "x-request-id": str(number)}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(wrapped), base_url="http://site") as client:
        assert (await client.get("/api/v1/Sale", headers=headers)).status_code == 500
    assert {fields["request_id"] for fields in (*recorded.of("looking"), *recorded.of("failed"))} == {str(number)}


async def test_the_line_of_a_request_has_its_context(
    site: Any, recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "framework_m_standard.http.middleware.request_log")
    transport = httpx.ASGITransport(RequestLog(site.app))
    async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
        response = await client.get("/api/v1/Sale", headers={"authorization": "Bearer boss"})
    (fields,) = recorded.of("GET /api/v1/Sale 200")
    assert UUID(fields["request_id"]) == UUID(response.headers["x-request-id"]) and fields["user_id"]
