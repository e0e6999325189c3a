"""Production: workers, what it needs to start, and what it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from .conftest import APP, PRODUCTION, Run, Running, assert_free, is_gone, make_slowly


@pytest.mark.usefixtures("tables")
def test_production_replaces_workers_and_drains_them(run: Run) -> None:
    server = run("prod --port 0 --workers 2", **PRODUCTION)
    server.wait_until_it_serves()
    server.wait_until(lambda: len(server.workers()) == 2)
    first = server.workers()
    os.kill(first[0], signal.SIGKILL)
    server.wait_until(lambda: len(server.workers()) == 2 and first[0] not in server.workers())
    assert "SIGKILL (exit code -9)" in server.output
    with ThreadPoolExecutor() as pool:
        responses = [make_slowly(server, pool, 1.0) for _ in range(4)]
        assert server.end() == 0, server.output
        assert {response.result().status_code for response in responses} == {201}
    assert_free(server.address)


@pytest.mark.parametrize("missing", ["M_AUTH__SECRET", "M_HTTP__CORS_ORIGINS"])
def test_production_does_not_start_half_configured(run: Run, missing: str) -> None:
    environment = {name: value for name, value in PRODUCTION.items() if name != missing}
    server = run("prod --port 0 --workers 2", **environment)
    assert server.process.wait(20) == 2
    server.wait_until(lambda: missing in server.output)
    assert server.output.count(missing) == 1


@pytest.mark.usefixtures("tables")
def test_production_is_enforced(run: Run) -> None:
    server = run("prod --port 0", **PRODUCTION, M_FRAMEWORK__ENV="development")
    server.wait_until_it_serves()
    login = {"username": "a@b.c", "password": "x"}
    assert httpx.post(f"{server.address}/api/v1/auth/login", json=login).status_code == 401
    assert server.end() == 0


@pytest.mark.usefixtures("tables")
def test_production_logs_json_with_the_context_of_the_request(run: Run) -> None:
    server = run("prod --port 0", **PRODUCTION)
    server.wait_until_it_serves()
    number = str(uuid.uuid4())
    response = httpx.post(f"{server.address}/api/v1/Slow", json={}, headers={"x-request-id": number})
    assert response.status_code == 201
    assert server.end() == 0
    (line,) = [json.loads(line) for line in server.lines if line.startswith("{")]
    assert (line["message"], line["logger"], line["level"]) == ("slow for 0 s", "acme", "warning")
    assert (line["source"], line["request_id"], line["correlation_id"]) == ("http", number, number)


@pytest.mark.usefixtures("tables")
def test_production_says_why_its_first_worker_did_not_serve(run: Run, folder: Path) -> None:
    source = folder / "src" / "tiny" / "__init__.py"
    source.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    server = run("prod --port 0 --workers 2", **PRODUCTION)
    assert server.process.wait(20) == 1
    server.wait_until(lambda: "the first worker ended before it was ready, with SIGKILL (exit" in server.output)
    assert "is running on" not in server.output


@pytest.mark.usefixtures("tables")
def test_a_worker_that_does_not_end_is_killed(run: Run, folder: Path) -> None:
    source = folder / "src" / "tiny" / "__init__.py"
    source.write_text(APP.replace("await asyncio.sleep", "import time; time.sleep"))
    server = run("prod --port 0 --workers 2", **PRODUCTION, M_HTTP__SHUTDOWN_TIMEOUT_SECONDS="0")
    server.wait_until_it_serves()
    with ThreadPoolExecutor() as pool:
        response = make_slowly(server, pool, 60.0)
        assert server.end() == 0
        assert isinstance(response.exception(), httpx.HTTPError)
    assert "a worker did not end in time: killing it" in server.output


@pytest.mark.usefixtures("tables")
def test_no_production_worker_outlives_its_parent(run: Run) -> None:
    server = run("prod --port 0 --workers 2", **PRODUCTION)
    server.wait_until_it_serves()
    server.wait_until(lambda: len(server.workers()) == 2)
    workers = server.workers()
    server.end(signal.SIGKILL)
    server.wait_until(lambda: all(is_gone(worker) for worker in workers))
    assert_free(server.address)


def test_workers_import_nothing_from_the_working_directory_by_accident(tmp_path: Path) -> None:
    """Where the app is installed, and the folder holds no more than its configuration."""
    m = Path(sys.executable).with_name("m")
    (tmp_path / "framework_config.toml").write_text('[framework]\napps = ["framework_m"]\n')
    subprocess.run([m, "user", "list"], cwd=tmp_path, check=True)
    for name in ("pickle", "socket", "selectors"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported by accident')\n")
    server = Running(tmp_path, "prod --port 0 --workers 2", PRODUCTION, (str(m),))
    try:
        server.wait_until_it_serves()
        assert server.end() == 0
    finally:
        server.process.kill()
    assert "by accident" not in server.output


@pytest.mark.usefixtures("tables")
def test_workers_are_replaced_one_after_another_upon_a_signal(run: Run) -> None:
    server = run("prod --port 0 --workers 2", **PRODUCTION)
    server.wait_until_it_serves()
    server.wait_until(lambda: len(server.workers()) == 2)
    before = server.workers()
    server.process.send_signal(signal.SIGHUP)
    responses: list[int | None] = []

    def are_replaced() -> bool:
        responses.append(server.status_of("/health"))
        return len(server.workers()) == 2 and not set(before) & set(server.workers())

    server.wait_until(are_replaced)
    assert server.end() == 0, server.output
    assert responses.count(200) > len(responses) * 0.9
