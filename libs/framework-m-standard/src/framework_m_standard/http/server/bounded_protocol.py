"""uvicorn's HTTP protocol with bounds that it lacks: on the size of a head, and on the time that a client may take."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from framework_m_core.domain.errors import FrameworkError
from framework_m_standard.http.server.connections import Connections
from framework_m_standard.http.server.ignored_upgrade import IgnoresUpgrades
from framework_m_standard.http.server.watched_transport import WatchedTransport
from framework_m_standard.http.server.write_deadline import WriteDeadline
from framework_m_standard.http.wire.bytes_in_flight import IN_FLIGHT, BytesInFlight, caller_of, site_of
from framework_m_standard.http.wire.error_responses import to_problem
from framework_m_standard.http.wire.request_errors import (
    HeadTooLargeError,
    MalformedRequestError,
    NotReadyError,
    TargetTooLongError,
)

__all__ = ["BoundedHttpProtocol"]

_MAX_BYTES: Final = 64 * 1024
_HEAD_SECONDS: Final = 20
_BODY_SECONDS: Final = 120
_BODY_OCTETS: Final = 1024 * 1024
"""A body may take longer if at least this much arrives in each period of `_BODY_SECONDS`."""

_MAX_PIPELINED: Final = 100
_FULL: Final = "the server has as many connections as it can hold, all of them busy: try again"
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_SEPARATORS: Final = 4  # ": " and a line break
_MESSAGE: Final = "expected less than 64 KiB of trailer and chunk sizes"


class _StopParsingError(Exception):
    """Stops the parsing of what a connection has sent."""


class BoundedHttpProtocol(IgnoresUpgrades):
    """An HTTP protocol that refuses a request with more than 64 KiB outside its body: head, trailer, chunk sizes.

    It closes a connection whose head or body does not arrive in time, and one that sends bytes that do not begin a
    request, or over a hundred requests ahead of their responses.
    Trailers are ignored: they arrive after the head was evaluated, and must not change it (RFC 9110, 6.5.1).
    """

    def __init__(
        self,
        *arguments: Any,
        connections: Connections | None = None,
        in_flight: BytesInFlight | None = None,
        **named: Any,
    ) -> None:
        super().__init__(*arguments, **named)
        self._neighbours = connections
        self._in_flight = in_flight or BytesInFlight()
        self.app_state = {**self.app_state, IN_FLIGHT: self._in_flight}
        self._begun: Any = None  # the cycle of the request that began last
        self._postponed: Any = None  # a cycle that waits for its client to read, and its app
        self._peer = ""
        self._head_open = False
        self._octets = 0
        self._fed = self._first_fed = 0
        self._body_open = False
        self._body_octets = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._write_deadline: WriteDeadline | None = None
        self._error: FrameworkError | None = None

    def connection_made(self, transport: Any) -> None:
        """Set up the deadlines of a new connection."""
        others = len(self.connections)
        self._write_deadline = WriteDeadline(self.loop, transport, self._in_flight, self._caller)
        watched: Any = WatchedTransport(transport, self._write_deadline.add)
        super().connection_made(watched)
        self._peer = self.client[0] if self.client else ""
        if self._neighbours is not None and not self._neighbours.add(self, self._peer, others):
            self._refuse(NotReadyError(_FULL))
        else:
            self._set_deadline(_HEAD_SECONDS)

    @property
    def is_idle(self) -> bool:
        """Whether no request is in progress."""
        cycle: Any = self.cycle
        return not self._body_open and (cycle is None or cycle.response_complete)

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the deadlines of a lost connection."""
        self._set_deadline(None)
        if self._write_deadline is not None:
            self._write_deadline.stop()
        self._leave()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep a connection whose client has sent all and waits for its response; otherwise close it."""
        cycle: Any = self.cycle
        if cycle is None or self._body_open or cycle.response_started:
            return False
        cycle.keep_alive = False
        return True

    def send_400_response(self, msg: str) -> None:
        """Respond to what cannot be served as a request, and close the connection."""
        self._refuse(self._error or MalformedRequestError(msg))

    def _refuse(self, error: FrameworkError) -> None:
        request_id = uuid4()
        response = to_problem(error, request_id)
        headers = (
            *self.server_state.default_headers,
            *response.headers,
            (b"x-request-id", str(request_id).encode("ascii")),
            (b"content-length", b"%d" % len(response.body)),
            (b"connection", b"close"),
        )
        head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[response.status] + head + b"\r\n" + response.body)
        self.transport.close()

    def resume_writing(self) -> None:
        """Stop the write deadline: the client has read."""
        super().resume_writing()
        if self._write_deadline is not None:
            self._write_deadline.stop()
        if self._postponed is not None and not self.transport.is_closing():
            (cycle, app), self._postponed = self._postponed, None
            self._start_asgi_task(cycle, app)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Begin a request, once the client has read the response before, so that it has one at a time in memory."""
        if self.flow.write_paused:
            self._postponed = (cycle, app)
            self.flow.pause_reading()
        else:
            self._begun = cycle
            super()._start_asgi_task(cycle, app)

    def _caller(self) -> str:
        """Return for whom what is written counts."""
        return site_of(self._peer) if self._begun is None else caller_of(self._begun.scope)

    def _should_upgrade(self) -> bool:
        """Return whether the request opens a WebSocket, which it cannot while an answer before it is made or read."""
        cycle: Any = self.cycle
        is_first = cycle is None or (cycle.response_complete and not self.flow.write_paused)
        return is_first and super()._should_upgrade()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to the WebSocket protocol."""
        watched: Any = self.transport
        self.transport = watched.inner  # the other protocol watches it itself
        self._set_deadline(None)
        self._leave()
        super().handle_websocket_upgrade()

    def _leave(self) -> None:
        if self._neighbours is not None:
            self._neighbours.remove(self, self._peer)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes; respond 400 if a head, trailer or chunk sizes grow too large."""
        self._fed = len(data)
        self._octets += self._fed
        super().data_received(data)
        cycle: Any = self.cycle  # None before the first request
        if self._deadline is None and cycle is not None and cycle.response_complete:
            self._set_deadline(_HEAD_SECONDS)  # uvicorn has just stopped its own timer
        if self._deadline is not None and self._octets > _MAX_BYTES and not self.transport.is_closing():
            self._error = self._too_large() if self._head_open else None
            self.send_400_response(_MESSAGE)

    def _too_large(self) -> FrameworkError:
        """Return which part of a head is too large."""
        if len(self.url) > _MAX_BYTES // 2:
            return TargetTooLongError(f"expected a path and query of less than {_MAX_BYTES} bytes")
        return HeadTooLargeError(f"expected a head of less than {_MAX_BYTES} bytes: send fewer or shorter headers")

    def on_body(self, body: bytes) -> None:
        """Count and pass on a part of a body."""
        self._octets = 0
        self._body_octets += len(body)
        super().on_body(body)

    def on_message_begin(self) -> None:
        """Begin a request; close a connection that has too many requests waiting for responses."""
        if len(self.pipeline) >= _MAX_PIPELINED:
            self.pipeline.clear()
            self.transport.close()
            raise _StopParsingError
        self._head_open = True
        self._octets, self._first_fed = 0, self._fed
        self._set_deadline(_HEAD_SECONDS)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Pass on a header; ignore a trailer."""
        if self._head_open:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head of a request and allow time for its body. Refuse a version or framing that is not known."""
        self._head_open = False
        if (error := self._refused()) is not None:
            self._error = error
            raise _StopParsingError
        if self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False  # RFC 9110, 10.1.1
        self._body_open = True
        self._body_octets = 0
        self._set_deadline(_BODY_SECONDS)
        super().on_headers_complete()

    def _refused(self) -> FrameworkError | None:
        """Return why a head that has ended is refused: its version, its framing or its size."""
        if (version := self.parser.get_http_version()) not in _VERSIONS:
            return MalformedRequestError(f"expected HTTP/1.1, got HTTP/{version}")
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and codings != [b"chunked"]:
            return MalformedRequestError("expected 'Transfer-Encoding: chunked' and no other coding")
        if self._first_fed + self._octets <= _MAX_BYTES:
            return None
        size = len(self.url) + sum(len(name) + len(value) + _SEPARATORS for name, value in self.headers)
        return self._too_large() if size > _MAX_BYTES else None

    def on_message_complete(self) -> None:
        """End a request and its deadline."""
        self._body_open = False
        self._set_deadline(None)
        super().on_message_complete()

    def _set_deadline(self, seconds: int | None) -> None:
        """Set the deadline of the connection in seconds from now, or remove it with None."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._check_deadline)

    def _check_deadline(self) -> None:
        """Extend the deadline of a body that arrives fast enough or waits for the app to read; else close."""
        self._deadline = None
        if self._body_open and (self._body_octets >= _BODY_OCTETS or self.flow.read_paused):
            self._body_octets = 0
            self._set_deadline(_BODY_SECONDS)
        else:
            self.transport.close()
