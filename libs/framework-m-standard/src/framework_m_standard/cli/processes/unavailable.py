"""Respond 503 on a socket while there is no worker, so that clients need not wait."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

__all__ = ["Unavailable"]

_POLL_SECONDS: Final = 0.2
_REQUEST_TIMEOUT_SECONDS: Final = 1
_MAX_BYTES: Final = 65_536
_MAX_AT_ONCE: Final = 32
_BODY: Final = json.dumps(
    {
        "type": "urn:framework-m:problem:app_broken",
        "title": "App broken",
        "status": 503,
        "detail": "the app does not start: see the console of `m start` for the reason",
        "code": "app_broken",
    }
).encode()
_RESPONSE: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 2\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


class Unavailable:
    """A thread that answers every request with 503 until it is ended."""

    def __init__(self, bound: socket.socket) -> None:
        self._bound = bound
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="unavailable", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop responding; new connections wait for the next worker to accept them."""
        self._stop.set()
        self._thread.join()

    def _serve(self) -> None:
        free = threading.Semaphore(_MAX_AT_ONCE)
        with ThreadPoolExecutor(_MAX_AT_ONCE, thread_name_prefix="unavailable") as responding:
            while not self._stop.is_set():
                if not free.acquire(timeout=_POLL_SECONDS):
                    continue
                if (connection := self._accept()) is None:
                    free.release()
                else:
                    responding.submit(_respond, connection).add_done_callback(lambda _: free.release())

    def _accept(self) -> socket.socket | None:
        if select.select([self._bound], [], [], _POLL_SECONDS)[0]:
            with suppress(OSError):
                return self._bound.accept()[0]
        return None


def _respond(connection: socket.socket) -> None:
    """Respond, then read on until a deadline: a client whose connection is reset would not see the response."""
    deadline = time.monotonic() + _REQUEST_TIMEOUT_SECONDS
    with connection, suppress(OSError):
        connection.settimeout(_REQUEST_TIMEOUT_SECONDS)
        connection.recv(_MAX_BYTES)
        connection.sendall(_RESPONSE)
        connection.shutdown(socket.SHUT_WR)
        while time.monotonic() < deadline and connection.recv(_MAX_BYTES):
            pass
