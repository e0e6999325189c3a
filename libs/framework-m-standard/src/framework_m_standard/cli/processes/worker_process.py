"""The serving process, which `m start` runs, and restarts, as a child with its own socket.

`python -m framework_m_standard.cli.processes.worker_process <socket> <pipe> <parent> <output>…`: the descriptors are
inherited; a byte on the pipe means that the worker is ready; `output` lists members of `Output`.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from framework_m_core.bootstrap.application import Application, refuse_unknown_roles
from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.container.container import Container
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.permissions import service as permissions
from framework_m_standard.cli.processes.child_worker import CANNOT_START
from framework_m_standard.cli.processes.greeting import Output, greet
from framework_m_standard.cli.processes.server_setup import address_of, read_http_settings, read_settings
from framework_m_standard.http.middleware.request_log import RequestLog, show_requests
from framework_m_standard.http.routes.health import Lifecycle
from framework_m_standard.http.server.connections import Connections
from framework_m_standard.http.server.serving import Opener, serve
from framework_m_standard.http.wire.asgi import ASGIApp
from framework_m_standard.http.wire.bytes_in_flight import BytesInFlight
from framework_m_standard.logs.configuration import configure_logs

__all__ = ["follow_parent", "opener_of", "serve_app"]


def serve_app(settings: Settings, bound: socket.socket, ready: Callable[[], None], output: frozenset[Output]) -> None:
    """Serve the app on a socket until a signal. Raises ConfigurationError if it cannot be served."""
    lifecycle = Lifecycle()
    http = read_http_settings(settings)
    opener = opener_of(settings, address_of(bound), output, lifecycle)
    connections = Connections(http.max_connections_per_address, http.trusted_proxies)
    serve(
        opener,
        bound,
        lifecycle,
        shutdown_timeout_seconds=http.shutdown_timeout_seconds,
        connections=connections,
        in_flight=BytesInFlight(http.max_in_flight_mb, http.max_in_flight_mb_per_caller),
        ready=ready,
    )


def opener_of(settings: Settings, address: str, output: frozenset[Output], lifecycle: Lifecycle) -> Opener:
    """Return a function that opens the app. Raises ConfigurationError if the roles lack `web`."""
    configure_logs(settings)
    if Output.REQUESTS in output:
        show_requests()
    if not settings.production:
        logging.getLogger(permissions.__name__).setLevel(logging.DEBUG)
    if "web" not in settings.framework.roles:
        refuse_unknown_roles(settings.framework.roles, Application(settings).known_roles)
        names = ", ".join(settings.framework.roles)
        raise ConfigurationError(
            f"[framework] roles: expected 'web' among the roles of a serving process, got {names}: use `m worker`"
        )

    @asynccontextmanager
    async def opened() -> AsyncIterator[ASGIApp]:
        container = Container()
        container.provide("web_lifecycle", lifecycle)
        application = Application(settings, container)
        await application.open(settings.framework.roles)
        try:
            await greet(application, address, output)
            web: ASGIApp = container.get("web")
            yield RequestLog(web) if Output.REQUESTS in output else web
        finally:
            await application.close()

    return opened


def follow_parent(parent: int) -> None:
    """Stop this process once its parent has ended, for whatever reason, or had ended before the call."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


def _main(descriptor: int, pipe: int, parent: int, output: frozenset[Output]) -> int:
    # Ctrl-C reaches the whole group; the parent then asks for an orderly end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    follow_parent(parent)

    def ready() -> None:
        os.write(pipe, b".")
        os.close(pipe)

    try:
        serve_app(read_settings(None, None), socket.socket(fileno=descriptor), ready, output)
    except ConfigurationError as error:
        print(f"m: {error}", file=sys.stderr, flush=True)
        return CANNOT_START
    return 0


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(_main(int(given[0]), int(given[1]), int(given[2]), frozenset(map(Output, given[3:]))))
