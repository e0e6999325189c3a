"""The parent of several workers, over workers that do nothing but live, or die while there is a file `broken`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from framework_m_standard.cli.processes.child_worker import ChildWorker

PARENT = """
import socket, sys
from framework_m_standard.cli.processes.supervisor import Supervisor

bound = socket.create_server(("127.0.0.1", 0))
sys.exit(Supervisor("worker:app", bound, int(sys.argv[1]), 1).serve(lambda: print("ready", flush=True)))
"""
WORKER = """
import os

def app():
    if os.path.exists("broken"):
        os._exit(3)  # as uvicorn does when a start fails
    return serve

async def serve(scope, receive, send):
    for said in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{said}.complete"})
"""


class Supervised:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.said = folder / "said"
        (folder / "worker.py").write_text(WORKER)
        with self.said.open("w") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PARENT, str(count)], cwd=folder, stdout=stream, stderr=stream
            )
        self.wait_until(lambda: self.said.read_text().startswith("ready\n") and len(self.workers) == count)

    @property
    def workers(self) -> list[int]:
        pid = self.process.pid
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return [child for child in children if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()]

    @property
    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def deaths(self) -> int:
        return self.said.read_text().count("a worker died")

    def break_app(self, *, broken: bool) -> None:
        if broken:
            (self.folder / "broken").touch()
        else:
            (self.folder / "broken").unlink()

    def wait_until(self, holds: Callable[[], Any], seconds: float = 15) -> float:
        began = time.monotonic()
        while not holds():
            assert time.monotonic() < began + seconds, self.said.read_text()
            time.sleep(0.02)
        return time.monotonic() - began


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[[int], Supervised]]:
    made: list[Supervised] = []

    def start(count: int) -> Supervised:
        made.append(Supervised(tmp_path, count))
        return made[-1]

    yield start
    for each in made:
        each.process.terminate()
        assert each.process.wait(10) == 0


@pytest.mark.slow
def test_a_worker_that_is_replaced_leaves_no_descriptor(supervise: Callable[[int], Supervised]) -> None:
    """Those that never served keep the pipe on which they would have said so."""
    parent = supervise(2)
    before = parent.descriptors
    parent.break_app(broken=True)
    os.kill(parent.workers[-1], signal.SIGKILL)
    parent.wait_until(lambda: parent.deaths >= 3)
    parent.break_app(broken=False)
    parent.wait_until(lambda: len(parent.workers) == 2)
    parent.wait_until(lambda: parent.descriptors <= before, 2)


@pytest.mark.slow
def test_the_last_worker_is_replaced_at_once_whatever_died_before(supervise: Callable[[int], Supervised]) -> None:
    parent = supervise(2)
    stable, victim = parent.workers
    parent.break_app(broken=True)
    os.kill(victim, signal.SIGKILL)
    parent.wait_until(lambda: parent.deaths >= 3)  # the pause is now four seconds or more
    parent.break_app(broken=False)
    os.kill(stable, signal.SIGKILL)
    gone = parent.wait_until(lambda: parent.workers and stable not in parent.workers)
    assert gone < 3


@pytest.mark.slow
def test_an_app_that_cannot_run_is_tried_now_and_then(supervise: Callable[[int], Supervised]) -> None:
    parent = supervise(3)
    parent.break_app(broken=True)
    begun = time.monotonic()
    for worker in parent.workers:
        os.kill(worker, signal.SIGKILL)
    # One at once, all once the pause of a second is over, and then one alone after each longer pause.
    parent.wait_until(lambda: parent.deaths > 3 + 1 + 3 + 1, seconds=60)
    assert time.monotonic() - begun > 3


def test_a_worker_that_cannot_be_started_leaves_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        before = os.listdir("/proc/self/fd")
        for _ in range(3):
            with pytest.raises(OSError, match="no more processes"):
                ChildWorker(bound, ())
        assert len(os.listdir("/proc/self/fd")) == len(before)
