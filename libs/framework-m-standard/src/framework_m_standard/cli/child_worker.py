"""A worker process as its parent sees it: started on a shared socket, watched, ended."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Final

__all__ = ["CANNOT_START", "OVERSTAY_SECONDS", "ChildWorker"]

CANNOT_START: Final = 2
"""The exit code of a worker that has said why its configuration cannot work."""

_COMMAND: Final = (sys.executable, "-P", "-m", "framework_m_standard.cli.worker_process")
OVERSTAY_SECONDS: Final = 5
"""How much longer than its running requests a worker may take to end."""


class ChildWorker:
    """One worker process. It is ended with SIGTERM, and killed only when it overstays."""

    def __init__(self, bound: socket.socket, says: Iterable[str]) -> None:
        self.started = time.monotonic()
        reading, writing = os.pipe()
        self._pipe: int | None = reading
        arguments = [*_COMMAND, str(bound.fileno()), str(writing), str(os.getpid()), *says]
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
        """What it ended with; None while it runs."""
        return self._process.poll()

    @property
    def is_ready(self) -> bool:
        """Whether it serves, or has done so."""
        if self._pipe is not None and select.select([self._pipe], [], [], 0)[0]:
            self._is_ready = bool(os.read(self._pipe, 1))
            self._close_pipe()
        return self._is_ready

    def ask_to_end(self) -> None:
        """Asks it to finish what it does."""
        if self.exit_code is None:
            self._process.terminate()

    def wait(self, shutdown_timeout_seconds: float) -> None:
        """Waits for its end, for as long as running requests may take and a little more, and lets go of it."""
        try:
            self._process.wait(shutdown_timeout_seconds + OVERSTAY_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close_pipe()

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
