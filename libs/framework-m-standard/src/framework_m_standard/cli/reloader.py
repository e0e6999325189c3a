"""The parent of `m start`: one worker, started again whenever a file of the app changes."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from watchfiles import PythonFilter, watch

from framework_m_standard.cli.child_worker import CANNOT_START, ChildWorker
from framework_m_standard.cli.unavailable import Unavailable

__all__ = ["Reloader"]

_LOOKS_EVERY_MS: Final = 200


class Reloader:
    """Watches a folder. The socket stays open throughout, so that requests during a restart wait, not fail."""

    def __init__(self, folder: Path, bound: socket.socket, shutdown_seconds: float) -> None:
        self._folder = folder
        self._bound = bound
        self._shutdown_seconds = shutdown_seconds
        self._stop = threading.Event()
        self._has_served = False
        self._unavailable: Unavailable | None = None

    def run(self) -> int:
        """Runs until a signal, or until a worker that was never ready refuses its configuration; the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        self._start()
        try:
            for changed in self._changes():
                if changed:
                    self._restart()
                elif (code := self._ended()) is not None:
                    return code
            return 0
        finally:
            self._end()
            self._bound.close()

    def _changes(self) -> Iterator[bool]:
        """Whether anything has changed since the last look."""
        interesting = PythonFilter(extra_extensions=(".toml",))
        looks = watch(
            self._folder,
            watch_filter=interesting,
            stop_event=self._stop,
            rust_timeout=_LOOKS_EVERY_MS,
            yield_on_timeout=True,
        )
        for changes in looks:
            yield bool(changes)

    def _ended(self) -> int | None:
        """The exit code when there is nothing left to wait for."""
        self._note_readiness()
        code = self._worker.exit_code
        if code is None:
            return None
        if code == 0 or (code == CANNOT_START and not self._has_served):
            return code
        if self._unavailable is None:
            print("The app does not start; it is tried again when a file changes.", file=sys.stderr, flush=True)
            self._unavailable = Unavailable(self._bound)
        return None

    def _start(self) -> None:
        self._worker = ChildWorker(self._bound, {}, greets=True)

    def _restart(self) -> None:
        print("A file has changed: starting again.", flush=True)
        self._note_readiness()
        self._end()
        self._start()

    def _note_readiness(self) -> None:
        """Once a worker has served, a later one that cannot start is waited for, not ended with."""
        self._has_served = self._worker.is_ready or self._has_served

    def _end(self) -> None:
        if self._unavailable is not None:
            self._unavailable.end()
            self._unavailable = None
        self._worker.ask_to_end()
        self._worker.wait(self._shutdown_seconds)
