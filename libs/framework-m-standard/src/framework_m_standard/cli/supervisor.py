"""The parent of `m prod`: several workers on one socket, replaced when they die."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from framework_m_standard.cli.child_worker import ChildWorker

__all__ = ["Supervisor"]

_LOOKS_EVERY_SECONDS: Final = 0.2
_STABLE_SECONDS: Final = 10
_LONGEST_PAUSE_SECONDS: Final = 30
_LAST_RESORT_SECONDS: Final = 2
"""How often a worker is tried where there is no other."""


class Supervisor:
    """Starts one worker alone, so that a start that cannot succeed fails once; then all others."""

    def __init__(self, bound: socket.socket, count: int, shutdown_timeout_seconds: float) -> None:
        self._bound = bound
        self._count = count
        self._shutdown_seconds = shutdown_timeout_seconds
        self._stop = threading.Event()
        self._workers: list[ChildWorker] = []
        self._pause = 0.0
        self._not_before = 0.0
        self._spawned = 0.0

    def run(self, ready: Callable[[], None]) -> int:
        """Runs until a signal, or until the first worker fails to start; the exit code.

        `ready` is called once the first worker serves.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        try:
            code = self._first()
            if code:
                return code
            if not self._stop.is_set():
                ready()
            return self._watch()
        finally:
            for worker in self._workers:
                worker.ask_to_end()
            for worker in self._workers:
                worker.wait(self._shutdown_seconds)
            self._bound.close()

    def _first(self) -> int:
        """Waits until one worker serves; its exit code where it does not get so far."""
        worker = self._spawn()
        self._workers.append(worker)
        while not worker.is_ready and not self._stop.is_set():
            if worker.exit_code is not None and not worker.is_ready:
                return worker.exit_code or 1
            self._stop.wait(_LOOKS_EVERY_SECONDS)
        return 0

    def _watch(self) -> int:
        while not self._stop.wait(_LOOKS_EVERY_SECONDS):
            for worker in [worker for worker in self._workers if worker.exit_code is not None]:
                self._bury(worker)
            while len(self._workers) < self._count and self._may_spawn():
                self._workers.append(self._spawn())
        return 0

    def _may_spawn(self) -> bool:
        """Once the pause is over; where no worker is left, at once, but for one that has only just been tried."""
        now = time.monotonic()
        return now >= self._not_before or (not self._workers and now >= self._spawned + _LAST_RESORT_SECONDS)

    def _spawn(self) -> ChildWorker:
        self._spawned = time.monotonic()
        return ChildWorker(self._bound, ())

    def _bury(self, worker: ChildWorker) -> None:
        """Takes a dead worker off the list; workers that die young are replaced ever more slowly."""
        self._workers.remove(worker)
        worker.wait(0)
        print(f"A worker has died with exit code {worker.exit_code}: starting another.", file=sys.stderr, flush=True)
        now = time.monotonic()
        if now - worker.started >= _STABLE_SECONDS:
            self._pause = 0.0
        elif now >= self._not_before:
            self._pause = min(max(1.0, self._pause * 2), _LONGEST_PAUSE_SECONDS)
            self._not_before = now + self._pause
