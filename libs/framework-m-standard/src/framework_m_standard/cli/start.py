"""`m start`: the development server."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from framework_m_standard.cli.processes.greeting import Output
from framework_m_standard.cli.processes.reloader import Reloader
from framework_m_standard.cli.processes.server_setup import bind_socket, read_http_settings, read_settings, warn_if_open
from framework_m_standard.cli.processes.worker_process import serve_app

__all__ = ["start"]


def start(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on; default: [http] host.")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on; default: [http] port.")] = None,
    reload: Annotated[bool, Parameter(help="Restart when a file of the app changes.")] = True,
    quiet: Annotated[bool, Parameter(negative="", help="Do not print a line for each request.")] = False,
) -> int:
    """Serve the app in this folder, for development.

    For example:
      m start
      m start --host 0.0.0.0 --port 8080
      m start --no-reload
      m start --quiet
    """
    settings = read_settings(host, port)
    http = read_http_settings(settings)
    bound = bind_socket(http)
    if not settings.production:
        warn_if_open(bound)
    output = frozenset(Output) - ({Output.REQUESTS} if quiet else set())
    if reload:
        return Reloader(settings.root, bound, http.shutdown_timeout_seconds, output).run()
    serve_app(settings, bound, lambda: None, output)
    return 0
