"""The server as processes: `m start` and `m prod` over a small app on disk."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

PROJECT = '[project]\nname = "tiny"\nversion = "2.5"\n[project.entry-points."framework_m.apps"]\ntiny = "tiny"\n'
APP = '''
import asyncio
import logging
import uuid
from pathlib import Path
from framework_m import Controller, DocType

class Slow(DocType):
    """Takes its time."""
    seconds: float = 0.0
    class Meta:
        permissions = {"create": {"Guest": "all"}, "read": {"Guest": "all"}}

class SlowController(Controller[Slow]):
    """Sleeps."""
    async def validate(self) -> None:
        """As long as it is told to, once it has left a mark."""
        logging.getLogger("acme").warning("slow for %g s", self.doc.seconds)
        Path(f"begun-{uuid.uuid4()}").touch()
        await asyncio.sleep(self.doc.seconds)
'''
ANOTHER = (
    APP
    + '''
class Added(DocType):
    """Came later."""
    class Meta:
        permissions = {"read": {"Guest": "all"}}
'''
)
PRODUCTION = {"M_AUTH__SECRET": "0123456789abcdef" * 3, "M_HTTP__CORS_ORIGINS": ""}


PROGRAM = (sys.executable, "-m", "framework_m_core.cli.main")


class Running:
    """A server command, its output, and its address."""

    def __init__(
        self, folder: Path, command: str, environment: dict[str, str], program: Sequence[str] = PROGRAM
    ) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*program, *command.split()],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def address(self) -> str:
        found = re.search(r"http://\S+", self.output)
        return found[0] if found else ""

    def wait_until(self, said: Callable[[], Any], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not said():
            assert time.monotonic() < end, self.output
            time.sleep(0.05)

    def has_said(self, text: str) -> bool:
        return text in self.output

    def wait_until_it_serves(self) -> None:
        self.wait_until(lambda: self.address and self.is_ready())

    def is_ready(self) -> bool:
        return self.status_of("/ready") == 200

    def status_of(self, path: str) -> int | None:
        """None while nobody answers, as when one worker ends and the next begins."""
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.address}{path}", timeout=5).status_code
        return None

    def workers(self) -> list[int]:
        """Without the process in which `multiprocessing` tracks what it shares."""
        pid = self.process.pid
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return [child for child in children if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(20)
        self._reader.join(5)
        return code


type Run = Callable[..., Running]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "src" / "tiny").mkdir(parents=True)
    (tmp_path / "src" / "tiny" / "__init__.py").write_text(APP)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Iterator[Run]:
    running: list[Running] = []

    def started(command: str, **environment: str) -> Running:
        running.append(Running(folder, command, environment))
        return running[-1]

    yield started
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


@pytest.fixture
def tables(folder: Path) -> None:
    """Those that production expects to find."""
    subprocess.run([sys.executable, "-m", "framework_m_core.cli.main", "user", "list"], cwd=folder, check=True)


def make_slowly(server: Running, pool: ThreadPoolExecutor, seconds: float) -> Future[httpx.Response]:
    """A request that the server has begun with when this returns."""
    before = len(list(server.folder.glob("begun-*")))
    future = pool.submit(httpx.post, f"{server.address}/api/v1/Slow", json={"seconds": seconds}, timeout=20)
    server.wait_until(lambda: len(list(server.folder.glob("begun-*"))) > before)
    return future


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def assert_free(address: str) -> None:
    host, _, port = address.removeprefix("http://").rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, int(port)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["start --port 0", "start --port 0 --no-reload"])
def test_what_runs_is_finished_before_the_end(run: Run, command: str, number: int) -> None:
    server = run(command)
    server.wait_until_it_serves()
    with ThreadPoolExecutor() as pool:
        answer = make_slowly(server, pool, 1.0)
        assert server.end(number) == 0, server.output
        assert answer.result().status_code == 201
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
        answer = make_slowly(server, pool, 60.0)
        assert server.end() == 0
        told = answer.result()
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
    for answer in (broken, large):
        assert (answer.status_code, answer.json()["code"]) == (503, "app_broken")
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
        assert server.process.wait(20) == 2
        server.wait_until(partial(server.has_said, said))
        assert "Traceback" not in server.output


def test_no_worker_outlives_its_parent(run: Run) -> None:
    server = run("start --port 0")
    server.wait_until_it_serves()
    (worker,) = server.workers()
    server.end(signal.SIGKILL)

    server.wait_until(lambda: is_gone(worker))
    assert_free(server.address)


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
        answers = [make_slowly(server, pool, 1.0) for _ in range(4)]
        assert server.end() == 0, server.output
        assert {answer.result().status_code for answer in answers} == {201}
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


@pytest.mark.usefixtures("tables")
def test_production_logs_json_with_the_context_of_the_request(run: Run) -> None:
    server = run("prod --port 0", **PRODUCTION)
    server.wait_until_it_serves()
    number = str(uuid.uuid4())
    answer = httpx.post(f"{server.address}/api/v1/Slow", json={}, headers={"x-request-id": number})
    assert answer.status_code == 201
    assert server.end() == 0
    (line,) = [json.loads(line) for line in server.lines if line.startswith("{")]
    assert (line["message"], line["logger"], line["level"]) == ("slow for 0 s", "acme", "warning")
    assert (line["source"], line["request_id"], line["correlation_id"]) == ("http", number, number)


def test_development_logs_text_with_the_context_of_the_request(run: Run) -> None:
    server = run("start --port 0 --no-reload")
    server.wait_until_it_serves()
    number = str(uuid.uuid4())
    httpx.post(f"{server.address}/api/v1/Slow", json={}, headers={"x-request-id": number})
    assert server.end() == 0
    assert re.search(rf"(?m)^[\d:]+ \[warning\] slow for 0 s \[acme\] .*request_id={number}", server.output)
    assert re.search(rf"(?m)^[\d:]+ \[info\] POST /api/v1/Slow 201 \d+ ms .*request_id={number}", server.output)


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
        answer = make_slowly(server, pool, 60.0)
        assert server.end() == 0
        assert isinstance(answer.exception(), httpx.HTTPError)
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
    answers: list[int | None] = []

    def are_replaced() -> bool:
        answers.append(server.status_of("/health"))
        return len(server.workers()) == 2 and not set(before) & set(server.workers())

    server.wait_until(are_replaced)
    assert server.end() == 0, server.output
    assert answers.count(200) > len(answers) * 0.9
