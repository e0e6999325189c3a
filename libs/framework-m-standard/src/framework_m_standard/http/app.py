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
from framework_m_standard.http.app_routes.counted_request import CountedRequest
from framework_m_standard.http.app_routes.declared import NO_ROUTES, AppRoutes
from framework_m_standard.http.documents.actions import DocumentActions
from framework_m_standard.http.documents.dispatch import DocumentRoutes, mount_documents
from framework_m_standard.http.middleware.preflights import PreflightProblems
from framework_m_standard.http.middleware.proxies import ProxyMiddleware
from framework_m_standard.http.middleware.request_context import REFUSED_PATH, RequestContextMiddleware
from framework_m_standard.http.middleware.sockets import SocketAdmission, keep_failure
from framework_m_standard.http.openapi.document import OpenApi
from framework_m_standard.http.openapi.routes import build_openapi_routes
from framework_m_standard.http.routes.auth import AuthRoutes
from framework_m_standard.http.routes.health import Lifecycle, Ping, Warnings, build_health_routes
from framework_m_standard.http.routes.meta import build_meta_routes
from framework_m_standard.http.routes.rpc import build_rpc_routes
from framework_m_standard.http.routes.welcome import build_welcome_route
from framework_m_standard.http.settings import HttpSettings, check_for_production
from framework_m_standard.http.wire.asgi import ASGIApp, request_state_of
from framework_m_standard.http.wire.compression import Compressor
from framework_m_standard.http.wire.error_responses import respond_to_exception, to_problem
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

    registry_handle: RegistryHandle
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
    lifecycle: Lifecycle,
) -> ASGIApp:
    """Return the ASGI app with all routes; `ping` raises while a dependency is unavailable.

    Raises ConfigurationError for settings that production refuses.
    """
    if not development:
        check_for_production(settings)
    actions = DocumentActions(services.documents, services.queries, DocumentEncoder(), settings.max_body_bytes)
    auth = AuthRoutes(services.authentication, settings.max_body_bytes, secure_cookies=not development)
    compressor = Compressor()
    documents = DocumentRoutes(actions, compressor)
    openapi = OpenApi(services.metadata, services.title, services.version, services.app_routes)
    litestar = Litestar(
        route_handlers=[
            mount_documents(documents),
            *build_meta_routes(services.metadata, compressor),
            *build_rpc_routes(services.rpc, settings.max_body_bytes),
            *build_openapi_routes(openapi, services.openapi_assets, compressor),
            *auth.make_handlers(),
            *services.app_routes.mount(
                services.registry_handle, services.queries.permissions, services.documents, services.app_ports
            ),
            *build_health_routes(ping, warnings, lifecycle),
            *((build_welcome_route(services.title, services.version),) if development else ()),
            _refused_route(),
        ],
        exception_handlers={HTTPException: respond_to_exception, Exception: respond_to_exception},
        cors_config=_cors(settings),
        after_exception=[_keep_failure],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=settings.max_body_bytes,
        request_class=CountedRequest,
    )
    routes = PreflightProblems(litestar) if settings.cors_origins else litestar
    return _with_middleware(routes, services, settings, None if settings.cors_origins else documents)


def _with_middleware(
    routes: ASGIApp, services: Services, settings: HttpSettings, documents: DocumentRoutes | None
) -> ASGIApp:
    """Return the app with what runs before its routes: proxies, the request context, admission of sockets.

    `documents` are served past the routes; CORS, which the routes handle, forbids it.
    """
    authentication = services.authentication
    origins = frozenset(settings.cors_origins or ()) - {"*"}
    sockets = SocketAdmission(authentication, origins, settings.max_sockets_per_caller)
    app = RequestContextMiddleware(routes, authentication, services.registry_handle, services.clock, sockets, documents)
    if settings.trusted_proxies or settings.root_path:
        return ProxyMiddleware(app, settings.trusted_proxies, settings.root_path)
    return app


async def _keep_failure(error: Exception, scope: Any) -> None:
    keep_failure(error, scope)


def _refused_route() -> ASGIRouteHandler:
    @asgi(REFUSED_PATH, copy_scope=False)
    async def refused(scope: Any, receive: Any, send: Any) -> None:
        state = request_state_of(scope)
        error = state.authentication_error or RouteNotFoundError("no route has this path")
        await send_response(send, to_problem(error, state.context.request_id), head=scope["method"] == "HEAD")

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
