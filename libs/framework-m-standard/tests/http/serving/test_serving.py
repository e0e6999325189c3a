"""The server as processes: `m start` and `m prod` over a small app on disk."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest

from .conftest import ANOTHER, APP, PRODUCTION, PROJECT, Run, assert_free, is_gone, make_slowly

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["start --port 0", "start --port 0 --no-reload"])
def test_what_runs_is_finished_before_the_end(run: Run, command: str, number: int) -> None:
    server = run(command)
    server.wait_until_it_serves()
    with ThreadPoolExecutor() as pool:
        response = make_slowly(server, pool, 1.0)
        assert server.end(number) == 0, server.output
        assert response.result().status_code == 201
    assert_free(server.address)
    assert "Traceback" not in server.output
    assert "m user create you@example.com --role Administrator" in server.output


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    "command", ["start --port 0", "start --port 0 --no-reload", "prod --port 0", "prod --port 0 --workers 2"]
)
def test_what_takes_too_long_is_told_so_and_logged_in_one_line(run: Run, command: str) -> None:
    server = run(command, **PRODUCTION, M_HTTP__SHUTDOWN_TIMEOUT_SECONDS="1")
    server.wait_until_it_serves()
    with ThreadPoolExecutor() as pool:
        response = make_slowly(server, pool, 60.0)
        assert server.end() == 0
        told = response.result()
    assert (told.status_code, told.headers["content-type"]) == (503, "application/problem+json")
    body = told.json()
    assert body["code"] == "server_stopped" and body["request_id"] == told.headers["x-request-id"]
    assert "retry-after" not in told.headers
    lines = [line for line in server.lines if "server_stopped" in line or "the server stopped before" in line]
    assert len(lines) == 1 and body["request_id"] in lines[0]
    assert "Traceback" not in server.output


@pytest.mark.parametrize("command", ["start --port {0}", "start --port {0} --no-reload", "prod --port {0}"])
def test_a_busy_port_is_one_clear_line(run: Run, command: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server = run(command.format(port), **PRODUCTION)
        assert server.process.wait(20) == 2
    server.wait_until(lambda: server.lines)
    assert len(server.lines) == 1
    assert f"127.0.0.1, port {port}: address already in use" in server.output


@pytest.mark.parametrize("command", ["start --port 0", "start --port 0 --no-reload", "prod --port 0 --workers 3"])
def test_a_start_that_cannot_succeed_says_why_once(run: Run, folder: Path, command: str) -> None:
    broken = APP.replace('"create": {"Guest"', '"crate": {"Guest"')
    (folder / "src" / "tiny" / "__init__.py").write_text(broken)
    server = run(command, **PRODUCTION)
    assert server.process.wait(20) == 2
    server.wait_until(lambda: "crate" in server.output)
    assert server.output.count("unknown action 'crate'") == 1
    assert "Traceback" not in server.output


def test_an_unknown_setting_is_refused(run: Run) -> None:
    server = run("start --port 0", M_HTTP__PROT="1")
    assert server.process.wait(20) == 2
    server.wait_until(lambda: "did you mean 'port'" in server.output)


def test_changes_are_served(run: Run, folder: Path) -> None:
    source = folder / "src" / "tiny" / "__init__.py"
    server = run("start --port 0")
    server.wait_until_it_serves()
    assert httpx.get(f"{server.address}/api/v1/Added").status_code == 401
    source.write_text(ANOTHER)
    server.wait_until(lambda: server.status_of("/api/v1/Added") == 200)
    source.write_text("syntax error")
    server.wait_until(lambda: "the previous one keeps running" in server.output)
    assert "SyntaxError: invalid syntax (__init__.py, line 1)" in server.output
    assert server.status_of("/api/v1/Added") == 200
    source.write_text(APP)
    server.wait_until(lambda: server.status_of("/api/v1/Added") == 401)
    assert server.output.count("is running on") == 3
    assert server.output.count("There is no administrator") == server.output.count("/schema/swagger;") == 1
    assert " GET /api/v1/Added 200 " in server.output
    assert server.end() == 0
    assert_free(server.address)


def test_the_app_says_its_own_name(run: Run) -> None:
    server = run("start --port 0 --no-reload --quiet")
    server.wait_until_it_serves()
    told = httpx.get(server.address).json()
    assert (told["app"], told["version"]) == ("tiny", "2.5")
    assert " GET / " not in server.output
    assert server.end() == 0


def test_a_change_that_waits_for_its_migration_is_served_once_that_has_run(run: Run, folder: Path) -> None:
    def m(*words: str) -> None:
        command = [sys.executable, "-m", "framework_m_core.cli.main", *words]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    server = run("start --port 0")
    server.wait_until_it_serves()
    m("migrate", "init")
    (folder / "src" / "tiny" / "__init__.py").write_text(ANOTHER)
    server.wait_until(lambda: "the previous one keeps running" in server.output)
    m("migrate", "create", "added")
    server.wait_until(lambda: server.output.count("the previous one keeps running") == 2)
    assert server.status_of("/api/v1/Added") == 401
    m("migrate", "run")
    server.wait_until(lambda: server.status_of("/api/v1/Added") == 200)
    assert server.end() == 0


def test_no_request_fails_while_a_change_takes_over(run: Run, folder: Path) -> None:
    """One that the old version has begun with is finished by it."""
    server = run("start --port 0")
    server.wait_until_it_serves()
    with ThreadPoolExecutor() as pool:
        slow = make_slowly(server, pool, 3.0)
        (folder / "src" / "tiny" / "__init__.py").write_text(ANOTHER)
        seen = []
        while 200 not in seen:
            seen.append(httpx.get(f"{server.address}/api/v1/Added", timeout=20).status_code)
        assert set(seen) <= {200, 401}
        assert slow.result().status_code == 201
    assert server.end() == 0


def test_a_worker_that_dies_leaves_an_answer(run: Run, folder: Path) -> None:
    server = run("start --port 0")
    server.wait_until_it_serves()
    (worker,) = server.workers()
    os.kill(worker, signal.SIGKILL)
    server.wait_until(lambda: "starting it again when a file or the schema changes" in server.output)
    broken = httpx.get(f"{server.address}/api/v1/Slow", timeout=5)
    large = httpx.post(f"{server.address}/api/v1/Slow", content=b"x" * 5_000_000, timeout=5)
    for response in (broken, large):
        assert (response.status_code, response.json()["code"]) == (503, "app_broken"), response.url
    (folder / "src" / "tiny" / "__init__.py").write_text(ANOTHER)
    server.wait_until(lambda: server.status_of("/api/v1/Added") == 200)
    assert server.end() == 0


def test_a_folder_without_an_app_is_told_so(run: Run, folder: Path) -> None:
    project = folder / "pyproject.toml"
    for text, said in (
        ("", "there is no app in"),
        (PROJECT.replace(".apps", ".app"), "did you mean 'framework_m.apps'"),
    ):
        project.write_text(text)
        server = run("start --port 0")
        assert server.process.wait(20) == 2, said
        server.wait_until(partial(server.has_said, said))
        assert "Traceback" not in server.output, said


def test_no_worker_outlives_its_parent(run: Run) -> None:
    server = run("start --port 0")
    server.wait_until_it_serves()
    (worker,) = server.workers()
    server.end(signal.SIGKILL)

    server.wait_until(lambda: is_gone(worker))
    assert_free(server.address)


def test_over_a_real_connection(run: Run) -> None:
    server = run("start --port 0 --no-reload", M_HTTP__MAX_BODY_MB="1")
    server.wait_until_it_serves()

    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    with httpx.Client(base_url=server.address) as client:
        sent = {"content-type": "application/json"}
        assert client.post("/api/v1/Slow", content=chunks(), headers=sent).status_code == 413
        made = client.post("/api/v1/Slow", json={}).json()
        head = client.head(f"/api/v1/Slow/{made['id']}")
        assert (head.status_code, head.content) == (200, b"")
        assert "server" not in head.headers
        assert client.get(f"/api/v1/Slow/{made['id']}%2F").status_code == 404
        assert client.get("/api/v1x/Slow").status_code == 404
        assert client.get("/api/v1/Slow/").status_code == 404
        assert client.request("OPTIONS", "/api/v1/Slow").status_code == 204


def test_development_logs_text_with_the_context_of_the_request(run: Run) -> None:
    server = run("start --port 0 --no-reload")
    server.wait_until_it_serves()
    number = str(uuid.uuid4())
    httpx.post(f"{server.address}/api/v1/Slow", json={}, headers={"x-request-id": number})
    assert server.end() == 0
    assert re.search(rf"(?m)^[\d:]+ \[warning\] slow for 0 s \[acme\] .*request_id={number}", server.output)
    assert re.search(rf"(?m)^[\d:]+ \[info\] POST /api/v1/Slow 201 \d+ ms .*request_id={number}", server.output)
