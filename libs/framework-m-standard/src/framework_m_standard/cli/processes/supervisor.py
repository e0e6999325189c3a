"""`Supervisor`: the parent of `m prod`, which extends uvicorn's supervisor of several workers on one socket."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from framework_m_standard.cli.processes.child_worker import CANNOT_START, KILL_DELAY_SECONDS
from framework_m_standard.http.server.connections import Connections
from framework_m_standard.http.server.serving import build_server_config
from framework_m_standard.http.wire.bytes_in_flight import BytesInFlight

__all__ = ["SAFE_PATH", "Supervisor"]

SAFE_PATH: Final = "m-prod"
"""The PYTHONSAFEPATH of a starting worker, so that nothing is imported from the working directory by accident."""

_log = logging.getLogger(__name__)

_HEALTHCHECK_SECONDS: Final = 15
_POLL_SECONDS: Final = 0.2
_STABLE_SECONDS: Final = 10
_MAX_PAUSE_SECONDS: Final = 30
_LAST_RESORT_SECONDS: Final = 2
"""The least time between two starts when no worker is left."""


class Supervisor(Multiprocess):
    """Supervisor that starts one worker before the others, so that an app that cannot start fails once.

    It replaces workers that die early after growing pauses, and kills those that do not end in time.

    `app` is the import string of a factory of an ASGI app with a lifespan.
    """

    def __init__(
        self,
        app: str,
        bound: socket.socket,
        count: int,
        shutdown_timeout_seconds: int,
        connections: Connections | None = None,
        in_flight: BytesInFlight | None = None,
    ) -> None:
        options: dict[str, Any] = {"workers": count, "factory": True, "lifespan": "on", "loop": "uvloop"}
        options |= {"connections": connections, "in_flight": in_flight}
        options |= {"timeout_worker_healthcheck": _HEALTHCHECK_SECONDS}
        config = build_server_config(app, shutdown_timeout_seconds, **options)
        super().__init__(config, [bound])
        self._end_seconds = shutdown_timeout_seconds + KILL_DELAY_SECONDS
        self._started: WeakKeyDictionary[Process, float] = WeakKeyDictionary()
        self._reaped: WeakSet[Process] = WeakSet()
        self._pause, self._not_before, self._last_start = 0.0, 0.0, 0.0
        self._code = 0

    def serve(self, ready: Callable[[], None]) -> int:
        """Run until a signal, or until the first worker fails to start; return the exit code.

        `ready` is called once the first worker serves.
        """
        self._ready = ready
        os.environ.setdefault("PYTHONSAFEPATH", SAFE_PATH)
        try:
            self.run()
        finally:
            self.terminate_all()
            self.join_all()
            for bound in self.sockets:
                bound.close()
        return self._code

    def init_processes(self) -> None:
        """Start one worker, and the others once it serves."""
        first = self._start()
        self.processes.append(first)
        while not first.is_ready(_POLL_SECONDS):
            self.handle_signals()
            if first.exitcode is not None:
                self._fail(first.exitcode)
            if self.should_exit.wait(_POLL_SECONDS):
                return
        self._ready()
        self.processes.extend(self._start() for _ in range(self.processes_num - 1))

    def keep_subprocess_alive(self) -> None:
        """Kill workers that do not answer, and replace dead ones once the pause is over."""
        for place, process in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if process.exitcode is None and not process.ping(self.config.timeout_worker_healthcheck):
                process.kill()
                process.join()
            if process.exitcode is None:
                continue
            if process not in self._reaped:
                self._reap(process, process.exitcode)
            if self._may_start():
                self.processes[place] = self._start()
                process.process.close()

    def join_all(self) -> None:
        """Wait for the workers' end, for as long as running requests may take and a little more."""
        end = time.monotonic() + self._end_seconds
        for process in self.processes:
            process.process.join(max(0.0, end - time.monotonic()))
            if process.exitcode is None:
                _log.error("a worker did not end in time: killing it")
                process.kill()
        super().join_all()

    def _start(self) -> Process:
        process = Process(self.config, self.sockets)
        process.start()
        process.child_conn.close()  # so that a worker that dies is not waited for
        self._started[process] = self._last_start = time.monotonic()
        return process

    def _fail(self, code: int) -> None:
        """Give up, because the first worker ended before it was ready; one that failed to start has reported why."""
        self._code = CANNOT_START if code == STARTUP_FAILURE else 1
        if code != STARTUP_FAILURE:
            _log.error("the first worker ended before it was ready, with %s", _describe_exit(code))
        self.should_exit.set()

    def _may_start(self) -> bool:
        """Return True once the pause is over; earlier if no worker is left and the last start was not just now."""
        now = time.monotonic()
        return now >= self._not_before or (
            all(process.exitcode is not None for process in self.processes)
            and now >= self._last_start + _LAST_RESORT_SECONDS
        )

    def _reap(self, process: Process, code: int) -> None:
        self._reaped.add(process)
        process.kill()  # closes its connections
        _log.error("a worker died with %s: starting another", _describe_exit(code))
        now = time.monotonic()
        if now - self._started.get(process, 0.0) >= _STABLE_SECONDS:
            self._pause = 0.0
        elif now >= self._not_before:
            self._pause = min(max(1.0, self._pause * 2), _MAX_PAUSE_SECONDS)
            self._not_before = now + self._pause


def _describe_exit(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"{signal.Signals(-code).name} (exit code {code})"
