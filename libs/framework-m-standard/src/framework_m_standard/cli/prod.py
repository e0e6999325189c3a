"""`m prod`: the server for production."""

from __future__ import annotations

import os
from typing import Annotated

from cyclopts import Parameter

from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.cli.processes.production_worker import PRODUCTION_APP
from framework_m_standard.cli.processes.server_setup import (
    address_of,
    bind_socket,
    read_http_settings,
    read_settings,
)
from framework_m_standard.cli.processes.supervisor import Supervisor
from framework_m_standard.cli.processes.worker_process import serve_app
from framework_m_standard.http.server.connections import Connections
from framework_m_standard.http.wire.bytes_in_flight import BytesInFlight
from framework_m_standard.logs.configuration import configure_logs

__all__ = ["prod"]


def prod(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on; default: [http] host.")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on; default: [http] port.")] = None,
    workers: Annotated[int | None, Parameter(help="Processes; default: [http] workers.")] = None,
) -> int:
    """Serve the app in this folder, for production.

    Several workers share the port and are replaced when they die or do not answer, and one after another upon SIGHUP; a
    single one is the process itself. SIGTERM lets running requests finish.

    For example:
      m prod --host 0.0.0.0 --workers 4
    """
    os.environ["M_FRAMEWORK__ENV"] = "production"
    settings = read_settings(host, port)
    http = read_http_settings(settings)
    count = http.workers if workers is None else workers
    if count < 1:
        raise ConfigurationError(f"--workers: expected at least 1, got {workers}")
    bound = bind_socket(http)

    def ready() -> None:
        print(f"Framework M is running on {address_of(bound)} with {count} worker(s)", flush=True)

    if count == 1:
        serve_app(settings, bound, ready, frozenset())
        return 0
    configure_logs(settings)
    connections = Connections(http.max_connections_per_address, http.trusted_proxies)
    in_flight = BytesInFlight(http.max_in_flight_mb, http.max_in_flight_mb_per_caller)
    return Supervisor(PRODUCTION_APP, bound, count, http.shutdown_timeout_seconds, connections, in_flight).serve(ready)
