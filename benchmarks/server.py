"""A server process: started on one core, watched, and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.client import Client
from benchmarks.errors import BenchmarkError
from benchmarks.procfs import cpu_seconds, resident_bytes

__all__ = ["SERVER_CORE", "Server", "child_environment", "free_port"]

SERVER_CORE = 0
_BOOT_LIMIT = 60.0
_STOP_LIMIT = 10.0
_QUIET_LIMIT = 5.0
_QUIET_STEP = 0.25
_QUIET_SHARE = 0.1


class Server:
    """One server, in a process group of its own."""

    def __init__(self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], port: int, log: Path) -> None:
        self.port = port
        self.client = Client(port)
        self._command = list(command)
        self._cwd = cwd
        self._environment = dict(environment)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the process that was started."""
        if self._process is None:
            raise BenchmarkError("The server was not started.")
        return self._process.pid

    def start(self, poll: float = 0.02) -> float:
        """Start, wait until `/health` answers 200, and say how long that took in seconds."""
        began = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=child_environment(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_pin,  # noqa: PLW1509 - the harness has one thread
            )
        while not self.client.is_healthy():
            if self._process.poll() is not None:
                raise BenchmarkError(f"{self._title()} ended with {self._process.returncode}.{self._tail()}")
            if time.perf_counter() - began > _BOOT_LIMIT:
                self.stop()
                raise BenchmarkError(f"{self._title()} is not healthy after {_BOOT_LIMIT:.0f} s.{self._tail()}")
            time.sleep(poll)
        return time.perf_counter() - began

    def stop(self) -> None:
        """End the process group that `start` made."""
        process, self._process = self._process, None
        if process is None:
            return
        _signal_group(process.pid, signal.SIGTERM)
        try:
            process.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()
        _signal_group(process.pid, signal.SIGKILL)  # children that outlived their parent

    def cpu(self) -> float:
        """CPU seconds that the process and its children have used."""
        return cpu_seconds(self.pid)

    def rss(self) -> int:
        """Resident bytes of the process and its children."""
        return resident_bytes(self.pid)

    def settle(self) -> float:
        """Wait until the server has finished what it does behind its answers; its CPU seconds."""
        began = before = self.cpu()
        deadline = time.monotonic() + _QUIET_LIMIT
        while time.monotonic() < deadline:
            time.sleep(_QUIET_STEP)
            now = self.cpu()
            if now - before < _QUIET_STEP * _QUIET_SHARE:
                break
            before = now
        return self.cpu() - began

    def _title(self) -> str:
        return " ".join(self._command[:4])

    def _tail(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-15:]
        return "\n  ".join(["", f"{self._log} ends with:", *lines])


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what would make a start unlike a user's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
    }
    return kept | dict(extra)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _pin() -> None:
    os.sched_setaffinity(0, {SERVER_CORE})


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
