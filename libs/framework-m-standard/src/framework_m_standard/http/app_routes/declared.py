"""Entry points of the group `framework_m.routes`: Litestar handlers, controllers and routers of apps."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar import Controller, Router
from litestar.exceptions import LitestarException
from litestar.handlers import ASGIRouteHandler, BaseRouteHandler, HTTPRouteHandler, WebsocketRouteHandler
from litestar.routes import WebSocketRoute
from litestar.types import Empty

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.permissions.service import PermissionService
from framework_m_standard.http.app_routes.injection import Providers, check_parameters, inject, make_providers
from framework_m_standard.http.app_routes.paths import check_path, pattern_of
from framework_m_standard.http.app_routes.policy import POLICY, RoutePolicy, check_policy, make_guard, policy_of

__all__ = ["NO_ROUTES", "AppRoute", "AppRoutes", "load_routes"]

_GROUP: Final = "framework_m.routes"
_SOCKET: Final = "WS"
_EXPECTED: Final = "a Litestar handler, Controller or Router, or a list of them"


@dataclass(frozen=True, slots=True)
class AppRoute:
    """A route of an app: its path, its methods (`WS` for a socket) and its policy."""

    choice: Choice
    path: str
    methods: tuple[str, ...]
    handler: BaseRouteHandler
    policy: RoutePolicy

    @property
    def is_socket(self) -> bool:
        """True for a WebSocket route."""
        return self.methods == (_SOCKET,)

    @property
    def about(self) -> str:
        """The first line of the handler's docstring."""
        return inspect.cleandoc(self.handler.fn.__doc__ or "").partition("\n")[0]

    @property
    def place(self) -> str:
        """The origin of the route, for error messages."""
        function = self.handler.fn
        name = f"{function.__module__}.{function.__qualname__}"
        return f"{'/'.join(self.methods)} {self.path} ({name} of {self.choice.distribution})"


@dataclass(frozen=True, slots=True)
class AppRoutes:
    """All routes of apps, and the routers that hold them."""

    routes: Sequence[AppRoute] = ()
    routers: Sequence[Router] = ()

    def mount(
        self, registry_handle: RegistryHandle, permissions: PermissionService, documents: DocumentService, ports: Any
    ) -> Sequence[Router]:
        """Guard the routers, inject what their handlers ask for, and return them."""
        providers: Providers = make_providers(documents, ports)
        for route in self.routes:
            route.handler.opt = {**route.handler.opt, POLICY: route.policy}
            inject(route.handler, providers)
        for router in self.routers:
            router.guards = [make_guard(permissions, registry_handle)]
        return self.routers


NO_ROUTES: Final = AppRoutes()


def load_routes(discovered: Discovered, registry: Registry, ports: Collection[type]) -> AppRoutes:
    """Return the routes of apps. Raises ConfigurationError listing every route that cannot be mounted."""
    found = [(choice, _router(choice, discovery.load(choice))) for choice in discovered.find_choices(_GROUP)]
    routes = [route for choice, router in found for route in _routes(choice, router)]
    errors = [f"{route.place}: {text}" for route in routes for text in _find_errors(route, registry, ports)]
    errors += _collisions(routes)
    if errors:
        raise ConfigurationError("the routes of the apps cannot be mounted:", errors)
    return AppRoutes(tuple(routes), tuple(router for _, router in found))


def _router(choice: Choice, value: Any) -> Router:
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    name = f"routes {choice.name!r} of {choice.distribution}"
    for one in values:
        is_controller = inspect.isclass(one) and issubclass(one, Controller)
        if not (is_controller or isinstance(one, (BaseRouteHandler, Router))):
            raise ConfigurationError(f"{name}: expected {_EXPECTED}, got {one!r} as {choice.value}")
    try:
        return Router("/", route_handlers=values)
    except LitestarException as error:
        raise ConfigurationError(f"{name} cannot be mounted: {error}") from error


def _routes(choice: Choice, router: Router) -> Iterator[AppRoute]:
    for route in router.routes:
        handlers = getattr(route, "route_handlers", None) or [route.route_handler]  # type: ignore[union-attr]
        for handler in handlers:
            methods = (_SOCKET,) if isinstance(route, WebSocketRoute) else tuple(sorted(map(str, _methods(handler))))
            if methods != ("OPTIONS",):
                yield AppRoute(choice, route.path, methods, handler, _policy(handler))


def _methods(handler: BaseRouteHandler) -> Collection[str]:
    return handler.http_methods if isinstance(handler, HTTPRouteHandler) else ("ASGI",)


def _policy(handler: BaseRouteHandler) -> RoutePolicy:
    opt: dict[str, Any] = {}
    for layer in handler.ownership_layers:
        opt |= layer.opt or {}
    return policy_of(handler.fn, opt, any(layer.guards for layer in handler.ownership_layers))


def _find_errors(route: AppRoute, registry: Registry, ports: Collection[type]) -> Iterator[str]:
    handler = route.handler
    if isinstance(handler, ASGIRouteHandler) or type(handler) not in (*_KINDS, *HTTPRouteHandler.__subclasses__()):
        yield "expected a handler made by get, post, put, patch, delete, head, route or websocket"
        return
    yield from check_path(route.path)
    yield from check_policy(route.policy, registry)
    yield from check_parameters(handler, ports)
    limits = [getattr(layer, "request_max_body_size", Empty) for layer in handler.ownership_layers]
    if any(limit is None for limit in limits):
        yield "expected request_max_body_size in bytes, got None, which would not limit its body"


_KINDS: Final = (HTTPRouteHandler, WebsocketRouteHandler)


def _collisions(routes: Sequence[AppRoute]) -> Iterator[str]:
    taken: dict[tuple[str, str], AppRoute] = {}
    for route in routes:
        for method in route.methods:
            other = taken.setdefault((method, pattern_of(route.path)), route)
            if other is not route:
                yield f"{route.place}: the path is taken by {other.place}"
                break
