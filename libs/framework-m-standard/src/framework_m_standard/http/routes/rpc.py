"""`/api/v1/rpc`: calls of the methods and functions that apps have declared callable."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from pydantic import BaseModel

from framework_m_core.domain.documents.doctype import is_document_class
from framework_m_core.domain.fields.json_form import json_form
from framework_m_core.registry.registry import Registry
from framework_m_core.services.rpc import RpcService
from framework_m_standard.http.documents.query_parameters import parse_query
from framework_m_standard.http.wire.asgi import Receive, request_state_of
from framework_m_standard.http.wire.body_codec import decode_object, read_body

__all__ = ["rpc_routes"]


def rpc_routes(rpc: RpcService, max_body_bytes: int) -> list[HTTPRouteHandler]:
    """Return the routes that call functions and methods."""

    async def arguments(request: Request[Any, Any, Any]) -> dict[str, Any]:
        parse_query(request.scope["query_string"])
        headers = request_state_of(request.scope).headers
        return decode_object(
            headers, await read_body(headers, cast("Receive", request.receive), max_body_bytes), optional=True
        )

    @post("/api/v1/rpc/fn/{path:str}", status_code=200)
    async def call_function(request: Request[Any, Any, Any]) -> Response[bytes]:
        call = await rpc.function(request_state_of(request.scope).context, request.path_params["path"])
        return _answer(await call(await arguments(request), partial(_encoded, call.context.registry)))

    @post("/api/v1/rpc/{doctype:str}/{method:str}", status_code=200)
    async def call_method(request: Request[Any, Any, Any]) -> Response[bytes]:
        given = request.path_params
        call = await rpc.method(request_state_of(request.scope).context, given["doctype"], given["method"])
        return _answer(await call(await arguments(request), partial(_encoded, call.context.registry)))

    return [call_function, call_method]


def _answer(body: bytes) -> Response[bytes]:
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})


def _encoded(registry: Registry, result: Any) -> bytes:
    encoders = registry.extensions.json_encoders
    return _encode({"result": json_form(result, encoders) if encoders else result})


def _plain(value: Any) -> Any:
    """Return a model as plain JSON values. Raises TypeError for a document and for what is not JSON."""
    if is_document_class(type(value)):
        raise TypeError(
            f"a call returned a {type(value).__name__}, which exposes every field: return the result of documents.get"
        )
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"expected a call to return text, numbers, lists or objects, got {type(value).__name__}")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode
