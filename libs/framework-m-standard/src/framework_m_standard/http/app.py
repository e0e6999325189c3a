"""`create_app`: the ASGI app over the given services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from litestar import Litestar, asgi
from litestar.config.cors import CORSConfig
from litestar.exceptions import HTTPException
from litestar.handlers import ASGIRouteHandler

from framework_m_core.domain.clock import Clock, system_clock
from framework_m_core.interfaces.authentication import AuthenticationProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.metadata.service import MetadataService
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.rpc import RpcService
from framework_m_standard.http.app_routes.declared import NO_ROUTES, AppRoutes
from framework_m_standard.http.documents.actions import DocumentActions
from framework_m_standard.http.documents.routes import DocumentRoutes, document_mount
from framework_m_standard.http.middleware.proxies import ProxyMiddleware
from framework_m_standard.http.middleware.request_context import REFUSED_PATH, RequestContextMiddleware
from framework_m_standard.http.middleware.sockets import SocketEntrance, keep_failure
from framework_m_standard.http.openapi.document import OpenApi
from framework_m_standard.http.openapi.routes import openapi_routes
from framework_m_standard.http.routes.auth import AuthRoutes
from framework_m_standard.http.routes.health import Lifecycle, Ping, Warnings, health_routes
from framework_m_standard.http.routes.meta import meta_routes
from framework_m_standard.http.routes.rpc import rpc_routes
from framework_m_standard.http.routes.welcome import welcome_route
from framework_m_standard.http.settings import HttpSettings, check_for_production
from framework_m_standard.http.wire.asgi import ASGIApp, request_state_of
from framework_m_standard.http.wire.error_responses import problem, respond_to_exception
from framework_m_standard.http.wire.request_errors import RouteNotFoundError
from framework_m_standard.http.wire.responses import DocumentEncoder, send_response

__all__ = ["Services", "create_app"]

_REQUEST_HEADERS: Final = [
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-CSRF-Token", "X-Request-ID",
    "X-Requested-With", "Traceparent", "Tracestate",
]  # fmt: skip
_RESPONSE_HEADERS: Final = ["ETag", "Location", "Retry-After", "X-Request-ID"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services and options that the routes use."""

    registries: RegistryHandle
    documents: DocumentService
    queries: QueryService
    metadata: MetadataService
    rpc: RpcService
    authentication: AuthenticationProtocol
    app_ports: Mapping[type, object] = field(default_factory=dict)
    app_routes: AppRoutes = NO_ROUTES
    clock: Clock = system_clock
    openapi_assets: Path | None = None
    title: str = "Framework M"
    version: str = "1"


def create_app(
    services: Services,
    settings: HttpSettings,
    *,
    development: bool,
    ping: Ping,
    warnings: Warnings,
    lifecycle: Lifecycle | None = None,
) -> ASGIApp:
    """Return the ASGI app with all routes; `ping` raises while a dependency is unavailable.

    Raises ConfigurationError for settings that production refuses.
    """
    if not development:
        check_for_production(settings)
    authentication, encode = services.authentication, DocumentEncoder()
    actions = DocumentActions(services.documents, services.queries, encode, settings.max_body_bytes)
    auth = AuthRoutes(authentication, settings.max_body_bytes, secure_cookies=not development)
    documents = DocumentRoutes(actions)
    openapi = OpenApi(services.metadata, services.title, services.version, services.app_routes)
    litestar = Litestar(
        route_handlers=[
            document_mount(documents),
            *meta_routes(services.metadata),
            *rpc_routes(services.rpc, settings.max_body_bytes),
            *openapi_routes(openapi, services.openapi_assets),
            *auth.handlers(),
            *services.app_routes.mounted(
                services.registries, services.queries.permissions, services.documents, services.app_ports
            ),
            *health_routes(ping, warnings, lifecycle or Lifecycle()),
            *((welcome_route(services.title, services.version),) if development else ()),
            _refusal(),
        ],
        exception_handlers={HTTPException: respond_to_exception, Exception: respond_to_exception},
        cors_config=_cors(settings),
        after_exception=[_keep_failure],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=settings.max_body_bytes,
    )
    sockets = SocketEntrance(
        authentication, frozenset(settings.cors_origins or ()) - {"*"}, settings.max_sockets_per_caller
    )
    app = RequestContextMiddleware(
        litestar,
        authentication,
        services.registries,
        services.clock,
        sockets,
        None if settings.cors_origins else documents,
    )
    if settings.trusted_proxies or settings.root_path:
        return ProxyMiddleware(app, settings.trusted_proxies, settings.root_path)
    return app


async def _keep_failure(error: Exception, scope: Any) -> None:
    keep_failure(error, scope)


def _refusal() -> ASGIRouteHandler:
    @asgi(REFUSED_PATH, copy_scope=False)
    async def refused(scope: Any, receive: Any, send: Any) -> None:
        state = request_state_of(scope)
        error = state.refusal or RouteNotFoundError("no route has this path")
        await send_response(send, problem(error, state.context.request_id), head=scope["method"] == "HEAD")

    return refused


def _cors(settings: HttpSettings) -> CORSConfig | None:
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[*_REQUEST_HEADERS, *settings.cors_headers],
        expose_headers=_RESPONSE_HEADERS,
        allow_credentials="*" not in settings.cors_origins,
    )
