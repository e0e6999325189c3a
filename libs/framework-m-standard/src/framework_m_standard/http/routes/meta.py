"""`/api/meta`: metadata of the DocTypes that the caller may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import HttpMethod, Request, Response, route
from litestar.handlers import HTTPRouteHandler

from framework_m_core.services.metadata.service import MetadataService
from framework_m_standard.http.documents.etags import content_etag, not_modified
from framework_m_standard.http.documents.query_parameters import parse_query
from framework_m_standard.http.wire.asgi import request_state_of
from framework_m_standard.http.wire.responses import encode

__all__ = ["meta_routes"]

_GET: Final = [HttpMethod.GET, HttpMethod.HEAD]


def meta_routes(metadata: MetadataService) -> list[HTTPRouteHandler]:
    """Return the routes of the overview and of the description of one DocType."""

    @route("/api/meta", http_method=_GET)
    async def meta_overview(request: Request[Any, Any, Any]) -> Response[bytes]:
        parse_query(request.scope["query_string"])
        return _cacheable(request, await metadata.overview(request_state_of(request.scope).context))

    @route("/api/meta/{doctype:str}", http_method=_GET)
    async def meta(request: Request[Any, Any, Any]) -> Response[bytes]:
        parse_query(request.scope["query_string"])
        doctype = request.path_params["doctype"]
        return _cacheable(request, await metadata.describe(request_state_of(request.scope).context, doctype))

    return [meta_overview, meta]


def _cacheable(request: Request[Any, Any, Any], content: Mapping[str, Any]) -> Response[bytes]:
    body = encode(content)
    etag = content_etag(body)
    headers = {"etag": etag, "cache-control": "private, no-cache"}
    if not_modified(request_state_of(request.scope).headers, etag):
        return Response(b"", status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
