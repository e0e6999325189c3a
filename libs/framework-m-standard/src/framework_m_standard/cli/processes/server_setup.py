"""Shared by the server commands: load the settings and bind the port."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.http.server.serving import listen
from framework_m_standard.http.settings import HttpSettings, check_for_production

__all__ = ["address_of", "bind_socket", "read_http_settings", "read_settings", "warn_if_open"]


def read_settings(host: str | None, port: int | None) -> Settings:
    """Return the settings of the app in the working directory, overridden by the command's options.

    Raises ConfigurationError for invalid settings, for those that production refuses, and if there is no app.
    """
    given: Mapping[str, object] = {"http.host": host, "http.port": port}
    overrides = {key: value for key, value in given.items() if value is not None}
    settings = load_settings(Path.cwd(), overrides=overrides, needs_app=True)
    if settings.production:
        check_for_production(read_http_settings(settings))
    return settings


def read_http_settings(settings: Settings) -> HttpSettings:
    """Return section `[http]`."""
    section = settings.sections["http"]
    assert isinstance(section, HttpSettings)  # noqa: S101 - the section's registered model
    return section


def bind_socket(http: HttpSettings) -> socket.socket:
    """Return a socket listening on the address in `[http]`. Raises ConfigurationError if it cannot listen."""
    try:
        return listen(http.host, http.port)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigurationError(
            f"cannot listen on {http.host}, port {http.port}: {reason}; choose another with --host and --port"
        ) from None


def warn_if_open(bound: socket.socket) -> None:
    """Print a warning if others than this machine can reach a development server."""
    host = bound.getsockname()[0]
    if not ip_address(host).is_loopback:
        print(
            f"m: warning: listening on {host}, so everybody who reaches this machine reaches a development server, "
            "which has no HTTPS and shows more than production does: leave out --host, or use `m prod`",
            file=sys.stderr,
        )


def address_of(bound: socket.socket) -> str:
    """Return the URL to open in a browser."""
    host, port = bound.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"
