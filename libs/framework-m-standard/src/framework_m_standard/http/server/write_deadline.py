"""A bound on the time that a client may take to read what was written to it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

__all__ = ["WriteDeadline"]

_WRITE_SECONDS: Final = 30
_MIN_BYTES: Final = 32 * 1024
"""Bytes that a client must read in that time, about a kilobyte a second."""


class WriteDeadline:
    """A timer that aborts a connection whose client reads too little while the transport's buffer is full."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: Any) -> None:
        self._loop = loop
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None
        self._unread = 0

    def start(self) -> None:
        """Start the timer: the buffer is full."""
        if self._timer is None:
            self._unread = self._transport.get_write_buffer_size()
            self._timer = self._loop.call_later(_WRITE_SECONDS, self._check)

    def stop(self) -> None:
        """Stop the timer: the buffer has room, or the connection is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        if self._unread - self._transport.get_write_buffer_size() < _MIN_BYTES:
            self._transport.abort()
        else:
            self.start()
