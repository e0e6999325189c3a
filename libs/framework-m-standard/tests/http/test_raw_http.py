"""What clients send that is not as one would write it, byte by byte (RFC 9110 and 9112)."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from uvicorn.server import ServerState

from framework_m_standard.http.server.bounded_protocol import BoundedHttpProtocol
from framework_m_standard.http.server.serving import build_server_config

type Address = tuple[str, int]


@pytest.fixture
async def address(site: Any) -> AsyncIterator[Address]:
    """The app on a real server."""
    config = build_server_config(site.app, 1, lifespan="off")
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttpProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()
    server.close()


async def exchange(address: Address, *sent: bytes, eof: bool = False) -> bytes:
    """Send pieces, each on its own, and return what comes until the server closes the connection."""
    reader, writer = await asyncio.open_connection(*address, family=socket.AF_INET)
    for piece in sent:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.02)
    if eof:
        writer.write_eof()
    async with asyncio.timeout(10):
        got = await reader.read()
    writer.close()
    return got


def parsed(response: bytes) -> tuple[int, dict[str, str], Any]:
    """The status, headers and JSON body of one response."""
    head, _, body = response.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    if headers.get("transfer-encoding") == "chunked":
        body = body.split(b"\r\n")[1]
    return int(status.split()[1]), headers, json.loads(body) if body else None


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"Host: a\r\nHost: b\r\n",
        b"Host: a\r\nHost: a\r\n",
        b"Host: a b\r\n",
        b"Host: a/b\r\n",
        b"Host: \xc3\xa4\r\n",
        b"Host: user@a\r\n",
        b"Host: a:b\r\n",
        b"Host: [::1\r\n",
    ],
)
@pytest.mark.parametrize("path", [b"/health", b"/api/v1/Sale", b"/nope"])
async def test_a_request_says_once_for_which_host_it_is(address: Address, path: bytes, lines: bytes) -> None:
    got = await exchange(address, b"GET %s HTTP/1.1\r\n%sConnection: close\r\n\r\n" % (path, lines))
    status, headers, body = parsed(got)
    assert (status, body["code"]) == (400, "malformed_request")
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-request-id"] == body["request_id"]


@pytest.mark.parametrize("host", [b"a", b"a.example:8000", b"[::1]:80", b"127.0.0.1", b"my_service", b"", b"a,b"])
async def test_a_valid_host_is_served(address: Address, host: bytes) -> None:
    got = await exchange(address, b"GET /health HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host)
    assert parsed(got)[0] == 200


async def test_http_1_0_needs_no_host(address: Address) -> None:
    assert parsed(await exchange(address, b"GET /health HTTP/1.0\r\n\r\n"))[0] == 200


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nA b: c\r\n\r\n", b"G\x00T /\r\n\r\n"]
)
async def test_what_is_no_http_gets_a_problem_too(address: Address, sent: bytes) -> None:
    status, headers, body = parsed(await exchange(address, sent))
    assert (status, body["code"], body["status"]) == (400, "malformed_request", 400)
    assert headers["content-type"] == "application/problem+json"
    assert uuid.UUID(headers["x-request-id"]) == uuid.UUID(body["request_id"])


SALE = json.dumps({"title": "h2c"}).encode()
H2C = (
    b"POST /api/v1/Sale HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer boss\r\nContent-Type: application/json\r\n"
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
)
LAST = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("pieces", [1, 2, 7])
@pytest.mark.parametrize("chunked", [False, True])
async def test_an_upgrade_that_is_not_offered_is_ignored(
    address: Address, caplog: pytest.LogCaptureFixture, pieces: int, chunked: bool
) -> None:
    """As Java's client sends it; the body that follows is the request's."""
    body = b"Content-Length: %d\r\n\r\n%s" % (len(SALE), SALE)
    if chunked:
        body = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(SALE), SALE)
    sent = H2C + body + LAST
    size = -(-len(sent) // pieces)
    got = await exchange(address, *(sent[at : at + size] for at in range(0, len(sent), size)))
    assert got.count(b"HTTP/1.1 201") == got.count(b"HTTP/1.1 200") == 1
    assert b'"title":"h2c"' in got
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("sent", [b"CONNECT a:80 HTTP/1.1", b"CONNECT /health HTTP/1.1"])
async def test_a_tunnel_is_refused(address: Address, caplog: pytest.LogCaptureFixture, sent: bytes) -> None:
    status, _, body = parsed(await exchange(address, sent + b"\r\nHost: a\r\n\r\n" + LAST))
    assert (status, body["code"]) == (400, "malformed_request")
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_a_socket_with_a_body_is_an_ordinary_request(address: Address, method: bytes) -> None:
    head = b"%s /nope HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" % method
    got = await exchange(address, head + b"Content-Length: 3\r\n\r\nabc" + LAST)
    assert (got.count(b"HTTP/1.1 404"), got.count(b"HTTP/1.1 200")) == (1, 1)


async def test_each_of_several_upgrades_in_one_piece_is_ignored(address: Address) -> None:
    """What stands in the header of one is never served as a request."""
    bodiless = H2C.replace(b"POST /api/v1/Sale", b"GET /health")
    hidden = b"X: GET /evil HTTP/1.1\r\n"
    for count in (2, 3, 40):
        sent = b"".join(bodiless + hidden + b"N: %d\r\n\r\n" % number for number in range(count))
        got = await exchange(address, sent + LAST)
        assert got.count(b"HTTP/1.1 ") == got.count(b"HTTP/1.1 200") == count + 1, count


async def test_an_upgrade_of_a_request_without_a_body_is_ignored(address: Address) -> None:
    sent = H2C.replace(b"POST /api/v1/Sale", b"GET /health") + b"\r\n"
    assert (await exchange(address, sent + LAST)).count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("path", ["/api/v1/Sale", "/api/v1/Nope", "/nope"])
@pytest.mark.parametrize("token", ["boss", "wrong"])
async def test_an_answer_that_comes_before_the_whole_body_can_be_read(address: Address, path: str, token: str) -> None:
    """urllib sends all before it reads, and asks for the connection to be closed."""
    program = f"""
import urllib.error, urllib.request
request = urllib.request.Request("http://{address[0]}:{address[1]}{path}", data=b"x" * (12 << 20), method="POST")
request.add_header("Authorization", "Bearer {token}")
try:
    urllib.request.urlopen(request, timeout=20)
except urllib.error.HTTPError as error:
    print(error.code, error.headers["content-type"])
"""
    ran = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    told, _ = await asyncio.wait_for(ran.communicate(), 30)
    status = 401 if token == "wrong" else 413 if path == "/api/v1/Sale" else 404
    assert told.decode().split() == [str(status), "application/problem+json"]


async def test_a_client_that_has_sent_all_gets_its_answer(address: Address) -> None:
    sent = b"POST /api/v1/Sale HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer boss\r\nContent-Type: application/json\r\n"
    got = await exchange(address, sent + b"Content-Length: %d\r\n\r\n%s" % (len(SALE), SALE), eof=True)
    assert parsed(got)[0] == 201


async def test_a_client_that_leaves_within_its_body_is_let_go(address: Address) -> None:
    head = b"POST /api/v1/Sale HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer boss\r\nContent-Length: 9\r\n\r\n"
    got = await exchange(address, head + b"abc", eof=True)
    assert got == b""


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        (uuid.UUID(int=7).hex, True),
        (str(uuid.UUID(int=7)), True),
        (str(uuid.UUID(int=0xABCDEF)).upper(), True),
        (uuid.UUID(int=0xABCDEF).hex.upper(), True),
        ("0000000000000000-0000000000000007", False),
        ("7" * 31, False),
        ("x", False),
    ],
)
async def test_request_ids_are_echoed_as_sent(site: Any, sent: str, echoed: bool) -> None:
    async with site.client("boss") as client:
        response = await client.get("/nope", headers={"x-request-id": sent})
        told = response.headers["x-request-id"]
        assert (told == sent) is echoed
        assert uuid.UUID(response.json()["request_id"]) == uuid.UUID(told)
