"""Transports that tell how much each write leaves in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["WatchedTransport"]


class WatchedTransport:
    """A transport that reports the size of each write that the system does not take at once.

    Transports keep such a write whole until all of it has been sent, and so it is reported whole. They call
    `pause_writing` as soon as anything waits, and `resume_writing` once nothing does.
    """

    __slots__ = ("_report", "_waiting", "_write", "inner")

    def __init__(self, inner: Any, report: Callable[[int], None]) -> None:
        inner.set_write_buffer_limits(high=0)
        self.inner = inner
        self._write: Callable[[bytes], None] = inner.write
        self._waiting: Callable[[], int] = inner.get_write_buffer_size
        self._report = report

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def write(self, data: bytes) -> None:
        """Write, and report what is not sent."""
        self._write(data)
        if self._waiting():
            self._report(len(data))
