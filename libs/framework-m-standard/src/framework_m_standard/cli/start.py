"""`m start`: the development server."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from framework_m_standard.cli.greeting import Says
from framework_m_standard.cli.listening import http_settings, listen_as_configured, settings_for
from framework_m_standard.cli.reloader import Reloader
from framework_m_standard.cli.worker_process import serve_app

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
    settings = settings_for(host, port)
    http = http_settings(settings)
    bound = listen_as_configured(http)
    says = frozenset(Says) - ({Says.REQUESTS} if quiet else set())
    if reload:
        return Reloader(settings.root, bound, http.shutdown_timeout_seconds, says).run()
    serve_app(settings, bound, lambda: None, says)
    return 0
