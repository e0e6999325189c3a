"""`/schema`: the OpenAPI document, and Swagger UI and ReDoc served from local files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler

from framework_m_core.domain.errors import AuthenticationError
from framework_m_standard.http.documents.query_parameters import parse_query
from framework_m_standard.http.openapi.document import OpenApi
from framework_m_standard.http.openapi.pages import ASSETS, PAGES
from framework_m_standard.http.routes.table import OPENAPI, OPENAPI_ASSET, OPENAPI_PAGE
from framework_m_standard.http.wire.asgi import request_state_of, root_path_of
from framework_m_standard.http.wire.cacheable import respond_cacheable
from framework_m_standard.http.wire.compression import Compressor
from framework_m_standard.http.wire.request_errors import RouteNotFoundError

__all__ = ["build_openapi_routes"]

_PRIVATE: Final = {"cache-control": "private, no-cache"}
_PAGE: Final = {
    **_PRIVATE,
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "connect-src 'self'; worker-src blob:; font-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
    ),
}
_NO_PAGES: Final = (
    f"the pages need their files: pip install 'framework-m-standard[openapi]'; the document itself is at {OPENAPI.path}"
)


def build_openapi_routes(openapi: OpenApi, assets: Path | None, compressor: Compressor) -> list[HTTPRouteHandler]:
    """Return the routes of the document, the pages, and their files in the folder `assets`.

    Without `assets` the pages respond with 404 and say what to install.
    """

    @OPENAPI.make_handler
    async def openapi_document(request: Request[Any, Any, Any]) -> Response[bytes]:
        parse_query(request.scope["query_string"])
        state = request_state_of(request.scope)
        body = await openapi.render(state.context, root_path_of(request.scope))
        return await respond_cacheable(state, body, compressor)

    @OPENAPI_PAGE.make_handler
    async def openapi_page(request: Request[Any, Any, Any]) -> Response[bytes]:
        _require_login(request)
        page = PAGES.get(request.path_params["page"])
        if page is None:
            raise RouteNotFoundError("no route has this path")
        if assets is None:
            raise RouteNotFoundError(_NO_PAGES)
        return Response(page, media_type="text/html", headers=_PAGE)

    @OPENAPI_ASSET.make_handler
    async def openapi_asset(request: Request[Any, Any, Any]) -> Response[bytes]:
        _require_login(request)
        asset = ASSETS.get(request.path_params["asset"])
        if asset is None or assets is None:
            raise RouteNotFoundError("no route has this path")
        body = asset.content if asset.file is None else (assets / asset.file).read_bytes()
        headers = {"cache-control": "private, max-age=3600"}
        return Response(body, media_type=asset.media_type, headers=headers)

    return [openapi_document, openapi_page, openapi_asset]


def _require_login(request: Request[Any, Any, Any]) -> None:
    parse_query(request.scope["query_string"])
    if request_state_of(request.scope).context.principal.is_anonymous:
        raise AuthenticationError
