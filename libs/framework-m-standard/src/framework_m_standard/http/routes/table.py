"""The table of routes other than those for documents: to add one, add an entry here, which decorates its handler."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from litestar import HttpMethod, route
from litestar.handlers import HTTPRouteHandler

__all__ = [
    "CALL_FUNCTION",
    "CALL_METHOD",
    "FIXED_ROUTES",
    "HEALTH",
    "LOGIN",
    "LOGOUT",
    "ME",
    "META",
    "META_OVERVIEW",
    "OPENAPI",
    "OPENAPI_ASSET",
    "OPENAPI_PAGE",
    "READY",
    "REFRESH",
    "WELCOME",
    "Admission",
    "FixedRoute",
]

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_METHODS: Final = {"GET": [HttpMethod.GET, HttpMethod.HEAD], "POST": [HttpMethod.POST]}


type Admission = Literal["none", "login", "authenticated", "declared"]
"""Who may call a route, as `FixedRoute` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedRoute:
    """One route: its Litestar handler, the permission table, OpenAPI and `m routes` are derived from it.

    `action` says who may call it: "none" is open to everyone and ignores credentials, "login" verifies the credentials
    in its body, "authenticated" is for all logged-in users, and "declared" requires what the method or function does.
    `status` is the one of success. A route without a `summary` is not in the OpenAPI document by itself; calls are
    there once per method and function. `request` and `response` name schemas of the document's components (`"object"`:
    any object), `query` names parameters, `response_headers` headers beside those of caches.
    """

    name: str
    method: str
    path: str
    action: Admission
    status: int = 200
    summary: str = ""
    errors: tuple[int, ...] = ()
    query: tuple[str, ...] = ()
    request: str | None = None
    response: str | None = None
    response_headers: tuple[str, ...] = ()
    is_conditional: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters in the path."""
        return tuple(_PARAMETER.findall(self.path))

    def make_handler(self, function: Callable[..., Any]) -> HTTPRouteHandler:
        """Return the Litestar handler that serves the route by a function."""
        path = _PARAMETER.sub(r"{\1:str}", self.path)
        return route(path, http_method=_METHODS[self.method], status_code=self.status)(function)


CALL_METHOD: Final = FixedRoute(
    name="call_method", method="POST", path="/api/v1/rpc/{doctype}/{method}", action="declared"
)
CALL_FUNCTION: Final = FixedRoute(
    name="call_function", method="POST", path="/api/v1/rpc/fn/{function}", action="declared"
)
META_OVERVIEW: Final = FixedRoute(
    name="meta_overview",
    method="GET",
    path="/api/meta",
    action="authenticated",
    summary="List the DocTypes that the caller may see",
    errors=(400, 401, 412, 503),
    response="Framework-Overview",
    is_conditional=True,
)
META: Final = FixedRoute(
    name="meta",
    method="GET",
    path="/api/meta/{doctype}",
    action="authenticated",
    summary="Get the metadata of a DocType",
    errors=(400, 401, 403, 404, 412, 503),
    response="Framework-Metadata",
    is_conditional=True,
)
LOGIN: Final = FixedRoute(
    name="login",
    method="POST",
    path="/api/v1/auth/login",
    action="login",
    summary="Log in",
    errors=(400, 401, 413, 415, 429, 503),
    query=("session",),
    request="Framework-Credentials",
    response="Framework-Tokens",
    response_headers=("Set-Cookie",),
)
REFRESH: Final = FixedRoute(
    name="refresh",
    method="POST",
    path="/api/v1/auth/refresh",
    action="login",
    summary="Exchange a refresh token for new tokens",
    errors=(400, 401, 413, 415, 429, 503),
    request="Framework-Refresh",
    response="Framework-Tokens",
)
LOGOUT: Final = FixedRoute(
    name="logout",
    method="POST",
    path="/api/v1/auth/logout",
    action="authenticated",
    status=204,
    summary="End the session",
    errors=(400, 401, 403, 503),
    response_headers=("Set-Cookie",),
)
ME: Final = FixedRoute(
    name="me",
    method="GET",
    path="/api/v1/auth/me",
    action="authenticated",
    summary="Get the current user",
    errors=(400, 401, 503),
    response="Framework-User",
)
OPENAPI: Final = FixedRoute(
    name="openapi",
    method="GET",
    path="/schema/openapi.json",
    action="authenticated",
    summary="Get this document",
    errors=(400, 401, 412, 503),
    response="object",
    is_conditional=True,
)
OPENAPI_PAGE: Final = FixedRoute(name="openapi_page", method="GET", path="/schema/{page}", action="authenticated")
OPENAPI_ASSET: Final = FixedRoute(
    name="openapi_asset", method="GET", path="/schema/assets/{asset}", action="authenticated"
)
WELCOME: Final = FixedRoute(name="welcome", method="GET", path="/", action="none")
"""Served in development only; in production it is 404 for everyone."""
HEALTH: Final = FixedRoute(
    name="health",
    method="GET",
    path="/health",
    action="none",
    summary="Check that the process is alive",
    errors=(400,),
    response="Framework-Health",
)
READY: Final = FixedRoute(
    name="ready",
    method="GET",
    path="/ready",
    action="none",
    summary="Check that the process is ready to serve",
    errors=(400, 503),
    response="Framework-Health",
)

FIXED_ROUTES: Final = (
    CALL_METHOD, CALL_FUNCTION, META_OVERVIEW, META, LOGIN, REFRESH, LOGOUT, ME, OPENAPI, OPENAPI_PAGE, OPENAPI_ASSET,
    WELCOME, HEALTH, READY,
)  # fmt: skip
