"""`/api/meta`: metadata of the DocTypes that the caller may see."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler

from framework_m_core.services.metadata.service import MetadataService
from framework_m_standard.http.documents.query_parameters import parse_query
from framework_m_standard.http.routes.table import META, META_OVERVIEW
from framework_m_standard.http.wire.asgi import request_state_of
from framework_m_standard.http.wire.cacheable import respond_cacheable
from framework_m_standard.http.wire.compression import Compressor
from framework_m_standard.http.wire.responses import encode

__all__ = ["build_meta_routes"]


def build_meta_routes(metadata: MetadataService, compressor: Compressor) -> list[HTTPRouteHandler]:
    """Return the routes of the overview and of the description of one DocType."""

    @META_OVERVIEW.make_handler
    async def meta_overview(request: Request[Any, Any, Any]) -> Response[bytes]:
        parse_query(request.scope["query_string"])
        state = request_state_of(request.scope)
        return await respond_cacheable(state, encode(await metadata.read_overview(state.context)), compressor)

    @META.make_handler
    async def meta(request: Request[Any, Any, Any]) -> Response[bytes]:
        parse_query(request.scope["query_string"])
        state = request_state_of(request.scope)
        return await respond_cacheable(
            state, encode(await metadata.describe(state.context, request.path_params["doctype"])), compressor
        )

    return [meta_overview, meta]
