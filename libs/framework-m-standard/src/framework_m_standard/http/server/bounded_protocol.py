"""uvicorn's HTTP protocol with bounds that it lacks: on the size of a head, and on the time a request takes to come."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BoundedHeads"]

_MOST_OCTETS: Final = 64 * 1024
_HEAD_SECONDS: Final = 20
_BODY_SECONDS: Final = 120
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
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begins a connection."""
        super().connection_made(transport)
        self._allow(_HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends a connection."""
        self._allow(None)
        super().connection_lost(exc)

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
        self._allow(_BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Ends a request."""
        self._allow(None)
        super().on_message_complete()

    def _allow(self, seconds: int | None) -> None:
        """Closes the connection after so many seconds, unless told otherwise before."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self.transport.close)
