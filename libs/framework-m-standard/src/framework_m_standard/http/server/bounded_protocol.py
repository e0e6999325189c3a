"""uvicorn's HTTP protocol with bounds that it lacks: on the size of a head, and on the time that a client may take."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import uuid4

from framework_m_standard.http.server.ignored_upgrade import IgnoresUpgrades
from framework_m_standard.http.server.write_deadline import WriteDeadline
from framework_m_standard.http.wire.error_responses import problem
from framework_m_standard.http.wire.request_errors import MalformedRequestError

__all__ = ["BoundedHeads"]

_MOST_OCTETS: Final = 64 * 1024
_HEAD_SECONDS: Final = 20
_BODY_SECONDS: Final = 120
_BODY_OCTETS: Final = 1024 * 1024
"""A body may take longer if at least this much arrives in each period of `_BODY_SECONDS`."""

_MOST_AHEAD: Final = 100
_REFUSAL: Final = "expected less than 64 KiB of head and trailer"


class _TooFarAheadError(Exception):
    """Stops the parsing of what a connection has sent."""


class BoundedHeads(IgnoresUpgrades):
    """An HTTP protocol that refuses a request with more than 64 KiB outside its body: head, trailer, chunk sizes.

    It closes a connection whose head or body does not arrive in time, and one that sends bytes that do not begin a
    request, or over a hundred requests ahead of their responses.
    Trailers are ignored: they arrive after the head was evaluated, and must not change it (RFC 9110, 6.5.1).
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_open = False
        self._octets = 0
        self._body_open = False
        self._body_octets = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._write_deadline: WriteDeadline | None = None

    def connection_made(self, transport: Any) -> None:
        """Set up the deadlines of a new connection."""
        super().connection_made(transport)
        self._write_deadline = WriteDeadline(self.loop, transport)
        self._allow(_HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the deadlines of a lost connection."""
        self._allow(None)
        if self._write_deadline is not None:
            self._write_deadline.stop()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep a connection whose client has sent all and waits for its response; otherwise close it."""
        cycle: Any = self.cycle
        if cycle is None or self._body_open or cycle.response_started:
            return False
        cycle.keep_alive = False
        return True

    def send_400_response(self, msg: str) -> None:
        """Respond to what is not HTTP, and close the connection."""
        request_id = uuid4()
        response = problem(MalformedRequestError(msg), request_id)
        headers = (
            *response.headers,
            (b"x-request-id", str(request_id).encode("ascii")),
            (b"content-length", b"%d" % len(response.body)),
            (b"connection", b"close"),
        )
        head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + head + b"\r\n" + response.body)
        self.transport.close()

    def pause_writing(self) -> None:
        """Start the write deadline: the client must read."""
        super().pause_writing()
        if self._write_deadline is not None:
            self._write_deadline.start()

    def resume_writing(self) -> None:
        """Stop the write deadline: the client has read."""
        super().resume_writing()
        if self._write_deadline is not None:
            self._write_deadline.stop()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to the WebSocket protocol."""
        self._allow(None)
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Parse received bytes; respond 400 if a head, trailer or chunk sizes grow too large."""
        self._octets += len(data)
        super().data_received(data)
        cycle: Any = self.cycle  # None before the first request
        if self._deadline is None and cycle is not None and cycle.response_complete:
            self._allow(_HEAD_SECONDS)  # uvicorn has just stopped its own timer
        if self._deadline is not None and self._octets > _MOST_OCTETS and not self.transport.is_closing():
            self.send_400_response(_REFUSAL)

    def on_body(self, body: bytes) -> None:
        """Count and pass on a part of a body."""
        self._octets = 0
        self._body_octets += len(body)
        super().on_body(body)

    def on_message_begin(self) -> None:
        """Begin a request; close a connection that has too many requests waiting for responses."""
        if len(self.pipeline) >= _MOST_AHEAD:
            self.pipeline.clear()
            self.transport.close()
            raise _TooFarAheadError
        self._head_open = True
        self._octets = 0
        self._allow(_HEAD_SECONDS)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Pass on a header; ignore a trailer."""
        if self._head_open:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head of a request and allow time for its body."""
        self._head_open = False
        self._body_open = True
        self._body_octets = 0
        self._allow(_BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request and its deadline."""
        self._body_open = False
        self._allow(None)
        super().on_message_complete()

    def _allow(self, seconds: int | None) -> None:
        """Set the deadline of the connection in seconds from now, or remove it with None."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        """Extend the deadline of a body that arrives fast enough or waits for the app to read; else close."""
        self._deadline = None
        if self._body_open and (self._body_octets >= _BODY_OCTETS or self.flow.read_paused):
            self._body_octets = 0
            self._allow(_BODY_SECONDS)
        else:
            self.transport.close()
