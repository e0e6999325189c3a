"""Bounds on what a client leaves unread: the time that it may take, and the bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fcntl import ioctl
from struct import unpack
from termios import TIOCOUTQ
from typing import Any, Final

from framework_m_standard.http.wire.bytes_in_flight import BytesInFlight

__all__ = ["WriteDeadline"]

_WRITE_SECONDS: Final = 30
_MIN_BYTES: Final = 32 * 1024
"""Bytes that a client must read in that time, about a kilobyte a second."""

_LOOKS: Final = 10
"""How many times in each period it is looked whether the client reads."""

_MAX_PERIODS: Final = 20
"""How many times as long a client may take to read all that it had not read at first."""


class WriteDeadline:
    """A timer that aborts a connection whose client reads too little of what has been written.

    Meanwhile what is written counts as bytes in flight of the caller, in full until all of it has been read, since the
    transport keeps it as long.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, transport: Any, in_flight: BytesInFlight, caller: Callable[[], str]
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._in_flight = in_flight
        self._find_caller = caller
        self._caller = ""
        self._timer: asyncio.TimerHandle | None = None
        self._unread = self._seen = self._minimum = self._looks = 0
        self.is_reading = True

    def add(self, size: int) -> None:
        """Count a write that waits, and start the timer unless it runs."""
        if self._timer is None:
            self._caller, unread = self._find_caller(), self._measure()
            self._minimum = max(_MIN_BYTES, unread // _MAX_PERIODS)
            self._unread = self._seen = unread
            self._looks, self.is_reading = 0, True
            self._set_timer()
        else:
            self._unread += size
            self._seen += size
        self._in_flight.add_unread(self._caller, self, size)

    def stop(self) -> None:
        """Stop the timer: nothing waits, or the connection is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._in_flight.remove_unread(self._caller, self)

    def abort(self) -> None:
        """Close the connection at once and drop its buffer."""
        self.stop()
        self._transport.abort()

    def _measure(self) -> int:
        """Return what is unread: what waits, and what the system has, of which it takes more only in large steps."""
        return int(self._transport.get_write_buffer_size()) + _count_unacknowledged(self._transport)

    def _set_timer(self) -> None:
        self._timer = self._loop.call_later(_WRITE_SECONDS / _LOOKS, self._look)

    def _look(self) -> None:
        unread = self._measure()
        self.is_reading, self._seen = unread < self._seen, unread
        self._looks += 1
        if self._looks % _LOOKS == 0:
            if self._unread - unread < self._minimum:
                self.abort()
                return
            self._unread = unread
        self._set_timer()


def _count_unacknowledged(transport: Any) -> int:
    """Return how many bytes the system has that the client's system has not taken; 0 where that is not known."""
    try:
        waiting: int = unpack("i", ioctl(transport.get_extra_info("socket"), TIOCOUTQ, bytes(4)))[0]
    except (OSError, ValueError):  # a closed socket
        return 0
    return waiting
