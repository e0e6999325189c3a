"""Requests that are cut off, and requests that are sent ahead, over uvicorn as our servers configure it."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from framework_m_core.domain.log_context import LOG_CONTEXT, LogContext, log_fields
from framework_m_standard.http.server.cancelled_requests import RespondWhenCancelled
from framework_m_standard.http.server.serving import build_server_config

type App = Callable[[Any, Any, Any], Awaitable[None]]


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = uvicorn.Server(build_server_config(RespondWhenCancelled(app), 1, lifespan="off"))
        task = asyncio.create_task(server._serve([bound]))
        yield bound.getsockname()[1]
        server.should_exit = True
        await task


async def ask(port: int, requests: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(requests)
    response = await reader.read()
    writer.close()
    return response


async def test_what_waits_for_something_cancelled_is_a_problem_with_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task

    async with serving(app) as port:
        response = await ask(port, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ") and b"application/problem+json" in head
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert json.loads(body)["request_id"] in record.getMessage() and record.exc_info


async def test_a_response_under_way_is_not_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        raise asyncio.CancelledError

    async with serving(app) as port:
        response = await ask(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert response.count(b"HTTP/1.1") == 1 and b"problem" not in response


async def test_a_request_sent_ahead_inherits_nothing_of_the_one_before() -> None:
    """uvicorn begins with it while the first is still sending."""
    seen: list[dict[str, str]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(log_fields())
        LOG_CONTEXT.set(LogContext("http", user_id="somebody"))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    request = b"GET / HTTP/1.1\r\nhost: x\r\n"
    async with serving(app) as port:
        await ask(port, request + b"\r\n" + request + b"connection: close\r\n\r\n")
    assert seen == [{}, {}]
