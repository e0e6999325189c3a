"""A small app, and the server commands that run it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

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
        """Writes a marker file, then runs until it is stopped."""
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
