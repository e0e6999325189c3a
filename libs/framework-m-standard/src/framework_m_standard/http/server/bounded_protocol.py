"""uvicorn's HTTP protocol with bounds that it lacks: on the size of a head, and on how long either side may take."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from framework_m_standard.http.server.write_deadline import WriteDeadline

__all__ = ["BoundedHeads"]

_MOST_OCTETS: Final = 64 * 1024
_HEAD_SECONDS: Final = 20
_BODY_SECONDS: Final = 120
_BODY_OCTETS: Final = 1024 * 1024
"""A body goes on past its time when at least so much of it comes in each such time."""

_MOST_AHEAD: Final = 100
_REFUSAL: Final = "The head or the trailer of the request is too large."


class _TooFarAheadError(Exception):
    """Ends the parsing of what a connection has sent."""


class BoundedHeads(HttpToolsProtocol):
    """Refuses a request of which 64 KiB have come that are no body: a head, a trailer, or sizes of chunks.

    A connection whose head or body does not come in time is closed, and one that sends what begins no request, or more
    than a hundred requests ahead of their answers.
    Trailers are not read: they come after the head that was judged, and must not change it (RFC 9110, 6.5.1).
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
        """Begins a connection."""
        super().connection_made(transport)
        self._write_deadline = WriteDeadline(self.loop, transport)
        self._allow(_HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends a connection."""
        self._allow(None)
        if self._write_deadline is not None:
            self._write_deadline.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begins to wait for the client to read."""
        super().pause_writing()
        if self._write_deadline is not None:
            self._write_deadline.start()

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        if self._write_deadline is not None:
            self._write_deadline.stop()

    def handle_websocket_upgrade(self) -> None:
        """Hands the connection over to the protocol of sockets."""
        self._allow(None)
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Takes octets from the connection."""
        self._octets += len(data)
        super().data_received(data)
        cycle: Any = self.cycle  # None before the first request
        if self._deadline is None and cycle is not None and cycle.response_complete:
            self._allow(_HEAD_SECONDS)  # uvicorn has just ended its own timer
        if self._deadline is not None and self._octets > _MOST_OCTETS and not self.transport.is_closing():
            self.send_400_response(_REFUSAL)

    def on_body(self, body: bytes) -> None:
        """Takes a part of a body."""
        self._octets = 0
        self._body_octets += len(body)
        super().on_body(body)

    def on_message_begin(self) -> None:
        """Begins a request; a connection that sends far ahead of its answers is closed."""
        if len(self.pipeline) >= _MOST_AHEAD:
            self.pipeline.clear()
            self.transport.close()
            raise _TooFarAheadError
        self._head_open = True
        self._octets = 0
        self._allow(_HEAD_SECONDS)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header, but no trailer."""
        if self._head_open:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Ends a request's head."""
        self._head_open = False
        self._body_open = True
        self._body_octets = 0
        self._allow(_BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Ends a request."""
        self._body_open = False
        self._allow(None)
        super().on_message_complete()

    def _allow(self, seconds: int | None) -> None:
        """Closes the connection after so many seconds, unless told otherwise before."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        """Goes on with a large body that comes, or that waits for us to read it; anything else is late."""
        self._deadline = None
        if self._body_open and (self._body_octets >= _BODY_OCTETS or self.flow.read_paused):
            self._body_octets = 0
            self._allow(_BODY_SECONDS)
        else:
            self.transport.close()
