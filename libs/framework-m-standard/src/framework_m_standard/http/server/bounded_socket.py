"""uvicorn's WebSocket protocol with bounds that it lacks: on unread output, and on handlers that do not end."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from framework_m_standard.http.server.write_deadline import WriteDeadline
from framework_m_standard.http.wire.bytes_in_flight import IN_FLIGHT, BytesInFlight, caller_of

__all__ = ["BoundedSocket"]

_END_SECONDS: Final = 3
"""Seconds that a handler may run on after its connection is lost or the process stops."""


class BoundedSocket(WebSocketsSansIOProtocol):
    """A WebSocket protocol that reads only while its client reads, and cancels the handler of a lost connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._inner = self.app
        self.app = self._run_app
        self._task: asyncio.Task[Any] | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._write_deadline: WriteDeadline | None = None
        self._in_flight: BytesInFlight = self.app_state.get(IN_FLIGHT) or BytesInFlight()
        self._scope: Any = {}

    def connection_made(self, transport: Any) -> None:
        """Set up the write deadline of a new connection."""
        self._write_deadline = WriteDeadline(self.loop, transport, self._in_flight, lambda: caller_of(self._scope))
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Process received bytes; pause reading while the client does not read, so that pongs cannot pile up."""
        super().data_received(data)
        if not self.writable.is_set() and not self.transport.is_closing():
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        """Start the write deadline: the client must read."""
        super().pause_writing()
        if self._write_deadline is not None:
            self._write_deadline.start()

    def resume_writing(self) -> None:
        """Stop the write deadline and resume reading: the client has read."""
        super().resume_writing()
        if self._write_deadline is not None:
            self._write_deadline.stop()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the write deadline and end the handler soon."""
        if self._write_deadline is not None:
            self._write_deadline.stop()
        super().connection_lost(exc)
        self._end_soon()

    def shutdown(self) -> None:
        """End the connection and, soon, its handler, because the process stops."""
        super().shutdown()
        self._end_soon()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """Drop the timer that would cancel the handler, which has ended."""
        super().on_task_complete(task)
        if self._ending is not None:
            self._ending.cancel()

    async def _run_app(self, scope: Any, receive: Any, send: Any) -> None:
        self._task = asyncio.current_task()
        self._scope = scope
        try:
            await self._inner(scope, receive, send)
        except asyncio.CancelledError:
            if self._ending is None:
                raise

    def _end_soon(self) -> None:
        if self._ending is None and self._task is not None and not self._task.done():
            self._ending = self.loop.call_later(_END_SECONDS, self._task.cancel)
