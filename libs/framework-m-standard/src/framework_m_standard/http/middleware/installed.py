"""ASGI middleware of apps and packages, found under `framework_m.middleware` and laid around the whole app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framework_m_core.bootstrap.application import Application
from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice
from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.http.wire.asgi import ASGIApp

__all__ = ["Middleware", "found_middleware", "surrounded"]

_GROUP = "framework_m.middleware"


@dataclass(frozen=True, slots=True)
class Middleware:
    """A middleware and where it stands: the lowest order meets a request first."""

    choice: Choice
    order: int
    factory: Any


def found_middleware(app: Application) -> tuple[Middleware, ...]:
    """All middleware, the outermost first. Raises ConfigurationError for one that does not say its order."""
    found = [_middleware(choice) for choice in app.settings.discovered.choices(_GROUP)]
    return tuple(sorted(found, key=lambda one: (one.order, one.choice.name)))


def surrounded(app: Application, web: ASGIApp, middleware: Sequence[Middleware]) -> ASGIApp:
    """The app within all middleware, each called with `app` and, by name, with what else the container holds for it."""
    for one in reversed(middleware):
        web = app.container.build(one.factory, app=web)
    return web


def _middleware(choice: Choice) -> Middleware:
    factory = discovery.load(choice)
    order = getattr(factory, "order", None)
    if not callable(factory) or not isinstance(order, int):
        raise ConfigurationError(
            f"middleware {choice.name!r} of {choice.distribution}: a class or function with an integer 'order', called "
            f"with the ASGI app as 'app', is expected: {choice.value}"
        )
    return Middleware(choice, order, factory)
