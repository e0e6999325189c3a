"""uvicorn on an already bound socket, until a signal; running requests may finish."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from typing import Any, Final

import uvicorn
import uvloop

from framework_m_standard.http.routes.health import Lifecycle
from framework_m_standard.http.server.bounded_protocol import BoundedHttpProtocol
from framework_m_standard.http.server.bounded_socket import BoundedSocket
from framework_m_standard.http.server.cancelled_requests import RespondWhenCancelled, finish_cancelled
from framework_m_standard.http.server.connections import Connections
from framework_m_standard.http.wire.asgi import ASGIApp
from framework_m_standard.http.wire.bytes_in_flight import BytesInFlight

__all__ = ["Opener", "Server", "build_server_config", "handle_stop_signals", "listen", "serve"]

type Opener = Callable[[], AbstractAsyncContextManager[ASGIApp]]
"""Opens the app, and closes it at the end."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the minute for which proxies keep connections open, so that the proxies close them."""

_BACKLOG: Final = 2048
_MAX_MESSAGE_BYTES: Final = 1024 * 1024
"""The largest message, in bytes, that a client may send over a WebSocket; a larger one closes it with 1009."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket that child processes inherit. Raises OSError if the address is taken or not local."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    bound.set_inheritable(True)
    return bound


def serve(
    opener: Opener,
    bound: socket.socket,
    lifecycle: Lifecycle,
    *,
    shutdown_timeout_seconds: int,
    connections: Connections | None = None,
    in_flight: BytesInFlight | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM, then wait up to the timeout for running requests, and close.

    `ready` is called once the app is open. Exceptions of the opener propagate.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        options = {"lifespan": "off", "connections": connections, "in_flight": in_flight}
        runner.run(_serve(opener, bound, lifecycle, shutdown_timeout_seconds, options, ready))


async def _serve(
    opener: Opener,
    bound: socket.socket,
    lifecycle: Lifecycle,
    seconds: int,
    options: Mapping[str, Any],
    ready: Callable[[], None],
) -> None:
    opening = asyncio.current_task()
    with handle_stop_signals(lambda: _stop(lifecycle, opening)):
        try:
            async with opener() as app:
                server = Server(build_server_config(RespondWhenCancelled(app), seconds, **options), lifecycle)
                ready()
                await server.serve(sockets=[bound])
                await finish_cancelled()
        except asyncio.CancelledError:
            if not lifecycle.stopping:
                raise
        finally:
            bound.close()


def _stop(lifecycle: Lifecycle, opening: asyncio.Task[Any] | None) -> None:
    """Cancel a start that is in progress; a running server sees the flag."""
    if not lifecycle.stopping and not lifecycle.serving and opening is not None:
        opening.cancel()
    lifecycle.stopping = True


@contextmanager
def handle_stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` for each SIGINT and SIGTERM inside the block, instead of ending the process."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def build_server_config(
    app: ASGIApp | str,
    shutdown_timeout_seconds: int,
    *,
    connections: Connections | None = None,
    in_flight: BytesInFlight | None = None,
    **options: Any,
) -> uvicorn.Config:
    """Return the uvicorn configuration of all our servers.

    Context variables are reset per request: a pipelined request would otherwise inherit those of the one before it.
    """
    bounds: dict[str, Any] = {"connections": connections or Connections(), "in_flight": in_flight or BytesInFlight()}
    return uvicorn.Config(
        app,
        http=partial(BoundedHttpProtocol, **bounds),  # type: ignore[arg-type]
        ws=BoundedSocket,
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=shutdown_timeout_seconds,
        backlog=_BACKLOG,
        reset_contextvars=True,
        **options,
    )


class Server(uvicorn.Server):
    """A server that stops by the lifecycle flag and leaves signals to our handler, so that the process exits with 0."""

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals; mark the process as serving."""
        self._lifecycle.serving = True
        yield

    async def on_tick(self, counter: int) -> bool:
        """Check ten times a second whether to stop."""
        self.should_exit = self.should_exit or self._lifecycle.stopping
        return await super().on_tick(counter)
