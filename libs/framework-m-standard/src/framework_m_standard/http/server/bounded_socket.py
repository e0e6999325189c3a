"""uvicorn's WebSocket protocol with bounds that it lacks: on unread output, input, and handlers that do not end."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from framework_m_core.domain.errors import RateLimitError
from framework_m_standard.http.server.watched_transport import WatchedTransport
from framework_m_standard.http.server.write_deadline import WriteDeadline
from framework_m_standard.http.wire.bytes_in_flight import IN_FLIGHT, BytesInFlight, InputCount, caller_of
from framework_m_standard.http.wire.request_errors import NotReadyError

__all__ = ["BoundedSocket"]

_UNCOUNTED: Final = 64 * 1024
_MESSAGE_BYTES: Final = 256
"""What a queued message takes besides its content."""

_MAX_FRAGMENTS: Final = 1024
_TOO_BIG, _TRY_LATER = 1009, 1013

_END_SECONDS: Final = 3
"""Seconds that a handler may run on after its connection is lost or the process stops."""


class BoundedSocket(WebSocketsSansIOProtocol):
    """A WebSocket protocol that reads only while its client reads, and cancels the handler of a lost connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._inner = self.app
        self.app = self._run_app
        self._task: asyncio.Task[Any] | None = None
        self._is_lost = False
        self._ending: asyncio.TimerHandle | None = None
        self._write_deadline: WriteDeadline | None = None
        self._in_flight: BytesInFlight = self.app_state.get(IN_FLIGHT) or BytesInFlight()
        self._input = InputCount(self._in_flight, self._find_caller)
        self._queued: deque[int] = deque()
        self._queued_size = 0
        self._sending = asyncio.Lock()

    def connection_made(self, transport: Any) -> None:
        """Set up the write deadline of a new connection."""
        self._write_deadline = WriteDeadline(self.loop, transport, self._in_flight, self._find_caller)
        watched: Any = WatchedTransport(transport, self._write_deadline.add)
        super().connection_made(watched)

    def data_received(self, data: bytes) -> None:
        """Process received bytes; pause reading while the client does not read, so that pongs cannot pile up."""
        super().data_received(data)
        self._count_input()
        if not self.writable.is_set() and not self.transport.is_closing():
            self.transport.pause_reading()

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
        self.frames = []
        self._is_lost = True
        self._input.resize(0)
        self._end_soon()

    def handle_cont(self, event: Any) -> None:
        """Take a fragment; refuse a message of very many, since even empty ones take memory."""
        if len(self.frames) >= _MAX_FRAGMENTS:
            self._fail(_TOO_BIG)
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Queue a message for the handler."""
        size, before = sum(map(len, self.frames)), self.queue.qsize()
        super().send_receive_event_to_app()
        if self.queue.qsize() > before:
            self._queued.append(size + _MESSAGE_BYTES)
            self._queued_size += self._queued[-1]

    async def send(self, message: Any) -> None:
        """Send a message: of tasks that wait for the client to read, one at a time writes when it has."""
        async with self._sending:
            await super().send(message)

    async def receive(self) -> Any:
        """Return the next message to the handler."""
        message = await super().receive()
        if message["type"] == "websocket.receive":
            self._queued_size -= self._queued.popleft()
            self._count_input()
        return message

    def _count_input(self) -> None:
        """Count what has arrived and no handler has taken; close the socket if that is too much."""
        size = len(self.conn.reader.buffer) + sum(map(len, self.frames)) + self._queued_size
        if self._is_lost or (size <= _UNCOUNTED and not self._input.size):
            return
        try:
            self._input.resize(size if size > _UNCOUNTED else 0)
        except (RateLimitError, NotReadyError):
            self._fail(_TRY_LATER)

    def _fail(self, code: int) -> None:
        if self.conn.state.name == "OPEN" and not self.close_sent:
            self.conn.send_close(code)
            self.handle_parser_exception()
        else:
            self.transport.abort()

    def _find_caller(self) -> str:
        return caller_of(getattr(self, "scope", {"client": self.client}))

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
        try:
            await self._inner(scope, receive, send)
        except asyncio.CancelledError:
            if self._ending is None:
                raise

    def _end_soon(self) -> None:
        if self._ending is None and self._task is not None and not self._task.done():
            self._ending = self.loop.call_later(_END_SECONDS, self._task.cancel)
