"""Starting and stopping: requests under way finish, the port is given back, and what cannot work says why in words."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from uuid import UUID, uuid4

import httpx
import pytest

from tests.journeys.product import M, Product, email
from tests.journeys.security.responses import HOOKS, inspect

from .conftest import READY, SERVERS, is_free, refuses

# Stopping.


def _begin_upload(product: Product, token: str) -> tuple[socket.socket, bytes]:
    """A connection with a request of which the second half is still to come, and that half."""
    body = json.dumps({"full_name": f"late {uuid4()}"}).encode()
    head = f"POST /api/v1/Customer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nExpect: 100-continue\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection = socket.create_connection(("127.0.0.1", product.port), timeout=20)
    connection.sendall(head.encode())
    assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(body[:10])
    return connection, body[10:]


@pytest.mark.slow
@pytest.mark.parametrize("command", [*SERVERS, ("prod", "--workers", "2")], ids=" ".join)
def test_requests_under_way_finish_and_the_port_is_given_back(
    fresh_product: Callable[[], Product], command: tuple[str, ...]
) -> None:
    product = fresh_product()
    product.create_users({"alice": ("Sales User",)})
    product.environment |= READY
    product.start(*command)
    token = product.token("alice")
    idle = socket.create_connection(("127.0.0.1", product.port), timeout=10)
    connection, rest = _begin_upload(product, token)
    assert product.process is not None
    product.process.terminate()
    assert idle.recv(1) == b"", "what is idle is closed once the server stops"
    assert product.process.poll() is None
    connection.sendall(rest)
    response = b""
    while chunk := connection.recv(65536):
        response += chunk
    assert response.startswith(b"HTTP/1.1 201 ")
    assert product.process.wait(timeout=10) == 0
    for opened in (connection, idle):
        opened.close()
    written, _ = product.process.communicate()
    product.process = None
    assert "Traceback" not in written and is_free(product.port)

    if command == SERVERS[0]:
        made = json.loads(response.partition(b"\r\n\r\n")[2])
        product.start(*command)
        with product.client("alice") as client:
            assert client.get(f"/api/v1/Customer/{made['id']}").json() == made


@pytest.mark.slow
def test_a_client_that_never_ends_its_request_does_not_hold_the_server(fresh_product: Callable[[], Product]) -> None:
    product = fresh_product()
    product.environment["M_HTTP__SHUTDOWN_TIMEOUT_SECONDS"] = "1"
    product.create_users({"alice": ("Sales User",)})
    product.start()
    connection, _ = _begin_upload(product, product.token("alice"))
    head_only = socket.create_connection(("127.0.0.1", product.port))
    head_only.sendall(b"GET /health HTTP/1.1\r\nHost:")
    began = time.monotonic()
    assert product.stop() == 0
    assert time.monotonic() - began < 5 and is_free(product.port)
    for opened in (connection, head_only):
        opened.close()


@pytest.mark.parametrize("command", SERVERS, ids=" ".join)
@pytest.mark.parametrize("after", [0.3, 1.0])
def test_a_start_that_is_interrupted_ends_quietly(app: Product, command: tuple[str, ...], after: float) -> None:
    process = subprocess.Popen(
        [str(M), *command, "--port", str(app.port)], cwd=app.app, env={**os.environ, "DATABASE_URL": app.url},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    app.process = process
    time.sleep(after)
    process.terminate()
    written, _ = process.communicate(timeout=15)
    app.process = None
    assert process.returncode in {0, -15, 143} and "Traceback" not in written, (process.returncode, written)
    assert is_free(app.port)


# Production.


@pytest.mark.parametrize("missing", [*READY])
def test_production_does_not_start_without(app: Product, missing: str) -> None:
    app.environment |= {name: value for name, value in READY.items() if name != missing}
    refuses(app, "prod", says=(missing,))
    app.environment["M_FRAMEWORK__ENV"] = "production"
    refuses(app, "start", "--no-reload", says=(missing,))


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, "x" * 64])
def test_production_wants_a_secret_of_some_length(app: Product, secret: str) -> None:
    app.environment |= {**READY, "M_AUTH__SECRET": secret}
    said = refuses(app, "prod", says=("M_AUTH__SECRET",))
    assert not secret or f"'{secret}'" not in said


def test_production_does_not_change_the_store_by_itself(app: Product) -> None:
    app.environment |= READY
    refuses(app, "prod", says=("CREATE TABLE", "m migrate run"))


def _demo(app: Product, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "DATABASE_URL": app.url, "PYTHONPATH": str(app.app / "src"), **environment}
    command = [sys.executable, "-m", "crm.demo"]
    return subprocess.run(command, cwd=app.app, env=given, text=True, capture_output=True, timeout=60, check=False)


def test_demo_logins_are_not_made_in_production(app: Product) -> None:
    done = _demo(app, **READY, M_FRAMEWORK__ENV="production")
    assert done.returncode == 2 and "production" in done.stderr and "Traceback" not in done.stderr
    assert "@" not in app.m("user", "list").stdout.replace("ada@example.com", "")


def test_demo_logins_are_refused_in_production(app: Product) -> None:
    done = _demo(app, PORT=str(app.port))
    assert done.returncode == 0, done.stderr
    logins = [line.split()[:2] for line in done.stdout.splitlines() if line.startswith("  ") and "@" in line]
    assert len(logins) == 4
    app.environment |= READY
    (curl,) = (line for line in done.stdout.splitlines() if line.startswith("curl "))
    assert all(word in done.stdout for word in ("Customer", "Invoice", "PORT=", f"localhost:{app.port}/", logins[2][1]))
    app.start()
    assert '"access_token"' in subprocess.run(curl, shell=True, capture_output=True, text=True, check=True).stdout
    assert app.stop() == 0
    app.start("prod")
    for name, password in logins:
        response = httpx.post(f"{app.address}/api/v1/auth/login", json={"username": name, "password": password})
        assert response.status_code == 401


def test_production_marks_its_cookies_secure(app: Product) -> None:
    app.create_users({"alice": ("Sales User",)})
    app.environment |= READY
    app.start("prod")
    given = {"username": email("alice"), "password": app.passwords["alice"]}
    response = httpx.post(f"{app.address}/api/v1/auth/login?session=true", json=given)
    cookies = response.headers.get_list("set-cookie")
    assert len(cookies) == 2 and all("; secure" in cookie.lower() for cookie in cookies)
    inspect(httpx.get(f"{app.address}/api/v1/Customer"))
    assert app.stop() == 0


@pytest.mark.slow
def test_a_session_that_ends_on_one_worker_is_over_on_all_within_a_second(fresh_product: Callable[[], Product]) -> None:
    product = fresh_product()
    product.create_users({"alice": ("Sales User",)})
    product.environment |= READY
    product.start("prod", "--workers", "2")
    headers = {"authorization": f"Bearer {product.token('alice')}"}
    path = f"{product.address}/api/v1/auth/me"
    assert {httpx.get(path, headers=headers).status_code for _ in range(20)} == {200}
    assert httpx.post(f"{product.address}/api/v1/auth/logout", headers=headers).status_code == 204
    late: list[float] = []
    ended = time.monotonic()
    while len(late) < 40:
        begun = time.monotonic()
        answered = httpx.get(path, headers=headers).status_code
        late += [answered] if begun > ended + 1 else []
    assert {*late} == {401}
    assert product.stop() == 0


# What every request is called.


@pytest.mark.parametrize("path", ["/health", "/api/v1/Customer", "/api/v1/Nonsense", "/nonsense", "/api/v1/auth/me"])
def test_a_request_keeps_the_id_that_it_came_with_or_gets_one(crm: Product, path: str) -> None:
    with crm.client("alice", event_hooks=HOOKS) as alice, crm.client(event_hooks=HOOKS) as anonymous:
        for who, client in {"alice": alice, "anonymous": anonymous}.items():
            given = str(uuid4())
            for method in ("GET", "HEAD", "POST", "OPTIONS", "PATCH"):
                response = client.request(method, path, headers={"x-request-id": given})
                assert response.headers.get_list("x-request-id") == [given], (who, method)
                if method == "GET" and response.status_code >= 400:
                    assert response.json()["request_id"] == given, (who, method)
            made = set()
            for nonsense in (
                "",
                "x",
                "1",
                given[:-1],
                f"{given}x",
                f"{{{given}}}",
                given.replace("-", "", 1),
                "é",
                f"{given}, x",
            ):
                response = client.get(path, headers=[(b"x-request-id", nonsense.encode("latin-1"))])
                (own,) = response.headers.get_list("x-request-id")
                assert own != nonsense and str(UUID(own)) == own, nonsense
                made.add(own)
            assert len(made) == 9, who
            twice = [("x-request-id", str(uuid4())), ("x-request-id", str(uuid4()))]
            assert len(client.get(path, headers=twice).headers.get_list("x-request-id")) == 1, who
