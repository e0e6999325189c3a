"""`m worker`: a process without the web, which handles events, feeds the bus and takes the roles of packages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

import uvloop
from cyclopts import Parameter

from framework_m_core.bootstrap.application import Application
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.http.server.serving import handle_stop_signals
from framework_m_standard.logs.configuration import configure_logs

__all__ = ["run", "watch_health", "work"]

_OTHERS: Final = ("web", "cli")
"""Roles of servers and of commands."""

_CHECK_SECONDS: Final = 10.0
_PING_TIMEOUT_SECONDS: Final = 3.0
_MAX_UNHEALTHY_SECONDS: Final = 60.0

type _Watch = Callable[[Application], Awaitable[None]]

_log = logging.getLogger(__name__)


def work(
    *,
    role: Annotated[
        list[str] | None,
        Parameter(negative="", help="A role to take; may be repeated. Default: all but web."),
    ] = None,
) -> int:
    """Run the app in this folder without serving requests: event handlers, other consumers, the relay.

    It works beside servers with [framework] roles = ["web"]. SIGTERM gives running handlers two seconds. It ends
    with 1 if what it needs, such as the store, is unavailable for a minute.

    For example:
      m worker
      m worker --role relay
    """
    settings = load_settings(Path.cwd(), needs_app=True)
    configure_logs(settings)
    application = Application(settings)
    roles = _choose_roles(application, role or ())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run(application, roles, watch_health))


def _choose_roles(application: Application, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the wanted roles, by default all. Raises ConfigurationError for others."""
    known = tuple(role for role in application.known_roles if role not in _OTHERS)
    for role in wanted:
        if role not in known:
            hint = "; `m prod` serves requests" if role == "web" else ""
            raise ConfigurationError(f"--role: expected one of {', '.join(known)}, got {role!r}{hint}")
    return tuple(dict.fromkeys(wanted)) or known


async def run(application: Application, roles: Sequence[str], watch: _Watch) -> int:
    """Work until a signal, or until the watch ends; return the exit code."""
    main = asyncio.current_task()
    is_working = True

    def stop() -> None:
        nonlocal is_working
        if is_working and main is not None:
            is_working = False
            main.cancel()

    with handle_stop_signals(stop):
        try:
            await application.open(roles)
            environment = application.settings.framework.env
            print(f"Framework M is running as {', '.join(roles)} in {environment} (press Ctrl-C to stop)", flush=True)
            await watch(application)
        except asyncio.CancelledError:
            return 0
        finally:
            is_working = False  # from here on, a signal interrupts nothing
            await application.close()
    return 1


async def watch_health(
    application: Application,
    *,
    check_seconds: float = _CHECK_SECONDS,
    max_unhealthy_seconds: float = _MAX_UNHEALTHY_SECONDS,
) -> None:
    """Check regularly what the application has opened; return once it has been unhealthy for too long."""
    loop = asyncio.get_running_loop()
    failing_since: float | None = None
    while True:
        await asyncio.sleep(check_seconds)
        try:
            async with asyncio.timeout(_PING_TIMEOUT_SECONDS):
                await application.ping()
        except Exception as error:
            if failing_since is None:
                failing_since = loop.time()
                _log.error("something that this process needs is unavailable: %r", error)
            elif loop.time() - failing_since >= max_unhealthy_seconds:
                _log.error("unavailable for %d seconds: ending, to be restarted", loop.time() - failing_since)
                return
        else:
            if failing_since is not None:
                _log.warning("available again after %d seconds", loop.time() - failing_since)
            failing_since = None
