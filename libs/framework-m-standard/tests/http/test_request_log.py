"""The line that a development server prints for each request."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest

from framework_m_standard.http.middleware.request_log import RequestLog

LOGGER = "framework_m_standard.http.middleware.request_log"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, LOGGER)
    return caplog


def _messages(lines: pytest.LogCaptureFixture) -> list[str]:
    """What the log of requests says, whatever level an app opened before has set for others."""
    return [record.getMessage() for record in lines.records if record.name == LOGGER]


async def test_a_request_is_a_line_without_what_may_be_secret(site: Any, lines: pytest.LogCaptureFixture) -> None:
    transport = httpx.ASGITransport(RequestLog(site.app))
    async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
        await client.get("/api/v1/Sale?filters=hidden", headers={"authorization": "Bearer boss"})
    (line,) = _messages(lines)
    assert line.startswith("GET /api/v1/Sale 400 ") and line.endswith(" ms")


async def test_nothing_in_a_path_steers_the_terminal(lines: pytest.LogCaptureFixture) -> None:
    async def fails(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError

    scope = {"type": "http", "method": "GET", "path": "", "raw_path": b"/a%20b\x1b[31m\x9b\n"}
    with pytest.raises(RuntimeError):
        await RequestLog(fails)(scope, None, None)  # type: ignore[arg-type]
    assert _messages(lines)[0].startswith("GET /a%20b%1B%5B31m%9B%0A - ")
