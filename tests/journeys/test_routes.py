"""An app's own routes on a running server: a large upload and download, memory flat, and a socket."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.journeys.conftest import _product
from tests.journeys.product import Product
from tests.journeys.routes_app import add_routes

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("routes")]

MIB = 1024 * 1024
SIZE = 64 * MIB
MAX_GROWTH = 24 * MIB


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with _product("sqlite", tmp_path_factory.mktemp("routes")) as running:
        add_routes(running)
        running.create_users()
        running.start()
        yield running


def memory(product: Product) -> int:
    """What the server holds, in bytes."""
    assert product.process is not None
    status = Path(f"/proc/{product.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def test_an_upload_passes_through_without_being_held(product: Product) -> None:
    digest, seen = hashlib.sha256(), []

    def chunks(size: int) -> Iterator[bytes]:
        for at in range(0, size, MIB):
            piece = at.to_bytes(8, "big") * (MIB // 8)
            digest.update(piece)
            seen.append(memory(product))
            yield piece

    with product.client("alice") as alice:
        before = memory(product)
        response = alice.post("/crm/files", content=chunks(SIZE))
        assert response.status_code == 200, response.text
        assert response.json() == {"size": SIZE, "sha256": digest.hexdigest()}
        assert max(seen) - before < MAX_GROWTH
        large = alice.post("/crm/files", content=chunks(SIZE + MIB))
        assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
        stated = alice.post("/crm/files", content=b"x" * (SIZE + 1))
        assert stated.status_code == 413
        whole = alice.post("/api/v1/Customer", content=b" " * (11 * MIB), headers={"content-type": "application/json"})
        assert whole.status_code == 413, "documents keep the limit of the settings"
    with product.client() as guest:
        assert guest.post("/crm/files", content=b"x").status_code == 401


def test_a_download_is_made_as_it_is_read(product: Product) -> None:
    with product.client("alice") as alice:
        before, size, digest = memory(product), 0, hashlib.sha256()
        grown = 0
        with alice.stream("GET", f"/crm/files/{SIZE // 65536}") as response:
            assert response.headers["x-request-id"]
            for chunk in response.iter_raw(MIB):
                size += len(chunk)
                digest.update(chunk)
                grown = max(grown, memory(product) - before)
        assert (size, digest.hexdigest()) == (SIZE, hashlib.sha256(b"x" * SIZE).hexdigest())
        assert grown < MAX_GROWTH


def test_nothing_is_made_for_a_client_that_does_not_read(product: Product) -> None:
    token = product.token("alice")

    def made() -> int:
        return int(httpx.get(f"{product.address}/crm/made").json()["chunks"])

    before, held = made(), memory(product)
    with socket.create_connection(("127.0.0.1", product.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        head = f"GET /crm/files/100000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        client.sendall(head.encode())
        client.recv(10)
        last, now, end = -1, made(), time.monotonic() + 20
        while now != last:
            assert time.monotonic() < end, "it goes on and on"
            time.sleep(0.3)
            last, now = now, made()
        assert now - before < 400, "no more than the buffers of both sockets hold"
        assert memory(product) - held < MAX_GROWTH


def test_a_socket_answers_as_its_user_and_ends_with_the_process(product: Product) -> None:
    url = f"ws://127.0.0.1:{product.port}/crm/customers"
    with product.client("alice") as alice:
        assert alice.post("/api/v1/Customer", json={"full_name": "Ada", "email": "ada@example.com"}).status_code == 201
    bearer = {"authorization": f"Bearer {product.token('alice')}"}
    with connect(url, additional_headers=bearer, proxy=None) as client:
        client.send("Ada")
        assert client.recv(5) == '{"by":"alice@example.com","found":1}'
        login = {"username": "alice@example.com", "password": product.passwords["alice"]}
        with product.client() as browser:
            browser.post("/api/v1/auth/login?session=true", json=login)
            cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        with connect(
            url, additional_headers={"cookie": cookie}, origin=Origin("https://evil.example"), proxy=None
        ) as stolen:
            with pytest.raises(ConnectionClosed):
                stolen.recv(5)
            assert (stolen.close_code, stolen.close_reason) == (4403, "origin_not_allowed")
        with connect(url, additional_headers={"cookie": cookie}, origin=Origin(product.address), proxy=None) as own:
            own.send("Ada")
            assert "alice" in str(own.recv(5))
        with connect(url, proxy=None) as guest:
            with pytest.raises(ConnectionClosed):
                guest.recv(5)
            assert guest.close_code == 4401
        assert product.stop() == 0
        with pytest.raises(ConnectionClosed):
            client.recv(5)
        assert client.close_code == 1012
