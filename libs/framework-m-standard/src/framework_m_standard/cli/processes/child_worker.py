"""`ChildWorker`: a worker process on a shared socket, as seen by its parent."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Final

__all__ = ["CANNOT_START", "KILL_DELAY_SECONDS", "ChildWorker"]

CANNOT_START: Final = 2
"""The exit code of a worker with an invalid configuration, which it has reported."""

_COMMAND: Final = (sys.executable, "-P", "-m", "framework_m_standard.cli.processes.worker_process")
KILL_DELAY_SECONDS: Final = 5
"""How long a worker may take to end after the timeout of its running requests."""


class ChildWorker:
    """One worker process: terminated by SIGTERM, and killed if it does not end in time."""

    def __init__(self, bound: socket.socket, output: Iterable[str]) -> None:
        self.started = time.monotonic()
        reading, writing = os.pipe()
        self._pipe: int | None = reading
        arguments = [*_COMMAND, str(bound.fileno()), str(writing), str(os.getpid()), *output]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
                arguments, pass_fds=(bound.fileno(), writing)
            )
        except BaseException:
            self._close_pipe()
            raise
        finally:
            os.close(writing)
        self._is_ready = False

    @property
    def exit_code(self) -> int | None:
        """The exit code, or None while the process runs."""
        return self._process.poll()

    @property
    def is_ready(self) -> bool:
        """True once the worker has begun to serve, even if it has ended since."""
        if self._pipe is not None and select.select([self._pipe], [], [], 0)[0]:
            self._is_ready = bool(os.read(self._pipe, 1))
            self._close_pipe()
        return self._is_ready

    def terminate(self) -> None:
        """Send SIGTERM, so that the worker finishes its running requests and ends."""
        if self.exit_code is None:
            self._process.terminate()

    def wait(self, shutdown_timeout_seconds: float) -> None:
        """Wait for the process to end; kill it `KILL_DELAY_SECONDS` after the timeout of its running requests."""
        try:
            self._process.wait(shutdown_timeout_seconds + KILL_DELAY_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close_pipe()

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
