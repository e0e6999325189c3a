"""ASGI middleware of apps and packages, discovered under `framework_m.middleware` and wrapped around the whole app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.bootstrap import ContainerView
from framework_m_standard.http.wire.asgi import ASGIApp

__all__ = ["Middleware", "discover_middleware", "wrap"]

_GROUP = "framework_m.middleware"


@dataclass(frozen=True, slots=True)
class Middleware:
    """A middleware and its order: the lowest order sees a request first."""

    choice: Choice
    order: int
    factory: Any


def discover_middleware(discovered: Discovered) -> tuple[Middleware, ...]:
    """Return all middleware, outermost first. Raises ConfigurationError for one not callable or without an order."""
    found = [_middleware(choice) for choice in discovered.find_choices(_GROUP)]
    return tuple(sorted(found, key=lambda one: (one.order, one.choice.name)))


def wrap(container: ContainerView, web: ASGIApp, middleware: Sequence[Middleware]) -> ASGIApp:
    """Wrap the app in all middleware; each is called with `app` and, by name, objects of the container."""
    for one in reversed(middleware):
        web = container.build(one.factory, app=web)
    return web


def _middleware(choice: Choice) -> Middleware:
    factory = discovery.load(choice)
    order = getattr(factory, "order", None)
    if not callable(factory) or not isinstance(order, int):
        raise ConfigurationError(
            f"middleware {choice.name!r} of {choice.distribution}: expected a class or function with an integer "
            f"'order' that takes the ASGI app as 'app', got {choice.value}"
        )
    return Middleware(choice, order, factory)
