"""`Reloader`: the parent of `m start`, which replaces the worker whenever a file of the app changes."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from watchfiles import PythonFilter, watch

from framework_m_core.bootstrap.migrations import MIGRATED
from framework_m_standard.cli.processes.child_worker import CANNOT_START, ChildWorker
from framework_m_standard.cli.processes.greeting import Output
from framework_m_standard.cli.processes.unavailable import Unavailable

__all__ = ["Reloader"]

_POLL_INTERVAL_MS: Final = 200
_PREVIOUS_APP_SERVES: Final = (
    "The changed app does not start: the previous one keeps running until a file or the schema changes again."
)
_NO_APP_SERVES: Final = "The app does not start: starting it again when a file or the schema changes."


class Reloader:
    """Watcher of a folder: starts the changed app beside the running one, and switches over once it is ready.

    The socket stays open, so that no request fails meanwhile.
    """

    def __init__(
        self, folder: Path, bound: socket.socket, shutdown_timeout_seconds: float, output: frozenset[Output]
    ) -> None:
        self._folder = folder
        self._bound = bound
        self._shutdown_seconds = shutdown_timeout_seconds
        self._output = output
        self._stop = threading.Event()
        self._next: ChildWorker | None = None
        self._unavailable: Unavailable | None = None

    def run(self) -> int:
        """Run until a signal, or until the first worker rejects its configuration; return the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        self._worker = self._start()
        try:
            for changed in self._changes():
                self._check_next()
                if changed:
                    self._start_next()
                if (code := self._exit_code()) is not None:
                    return code
            return 0
        finally:
            self._stop_unavailable()
            for worker in (self._next, self._worker):
                self._end(worker)
            self._bound.close()

    def _changes(self) -> Iterator[bool]:
        """Yield regularly, True if anything has changed since the last time."""
        interesting = PythonFilter(extra_extensions=(".toml", MIGRATED))
        looks = watch(
            self._folder,
            watch_filter=interesting,
            stop_event=self._stop,
            rust_timeout=_POLL_INTERVAL_MS,
            yield_on_timeout=True,
        )
        for changes in looks:
            yield bool(changes)

    def _start_next(self) -> None:
        print("A file or the schema has changed: restarting.", flush=True)
        if self._worker.is_ready:
            self._output -= {Output.GUIDE}
        self._end(self._next)
        self._next = self._start()

    def _check_next(self) -> None:
        if self._next is None:
            return
        if self._next.is_ready:
            before, self._worker, self._next = self._worker, self._next, None
            self._stop_unavailable()
            self._end(before)
        elif self._next.exit_code is not None:
            self._end(self._next)
            self._next = None
            print(_NO_APP_SERVES if self._unavailable else _PREVIOUS_APP_SERVES, file=sys.stderr, flush=True)

    def _exit_code(self) -> int | None:
        """Return the exit code if the process should end, else None."""
        code = self._worker.exit_code
        if code is None or self._unavailable is not None:
            return None
        if code == 0 or (code == CANNOT_START and not self._worker.is_ready):
            return code
        print(_NO_APP_SERVES, file=sys.stderr, flush=True)
        self._unavailable = Unavailable(self._bound)
        return None

    def _start(self) -> ChildWorker:
        return ChildWorker(self._bound, self._output)

    def _end(self, worker: ChildWorker | None) -> None:
        if worker is not None:
            worker.terminate()
            worker.wait(self._shutdown_seconds)

    def _stop_unavailable(self) -> None:
        if self._unavailable is not None:
            self._unavailable.end()
            self._unavailable = None
