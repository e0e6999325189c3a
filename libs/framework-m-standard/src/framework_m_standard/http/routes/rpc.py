"""`/api/v1/rpc`: calls of the methods and functions that apps have declared callable."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import msgspec
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from pydantic import BaseModel

from framework_m_core.domain.context import RegistryView
from framework_m_core.domain.documents.doctype import is_document_class
from framework_m_core.domain.errors import ValidationError, gather_errors
from framework_m_core.domain.fields.json_form import to_json_form
from framework_m_core.services.rpc import AuthorizedCall, RpcService
from framework_m_standard.http.documents.query_parameters import parse_query
from framework_m_standard.http.routes.table import CALL_FUNCTION, CALL_METHOD
from framework_m_standard.http.wire.asgi import Receive, request_state_of
from framework_m_standard.http.wire.body_codec import decode_object, read_body

__all__ = ["build_rpc_routes"]


def build_rpc_routes(rpc: RpcService, max_body_bytes: int) -> list[HTTPRouteHandler]:
    """Return the routes that call functions and methods."""

    async def respond(request: Request[Any, Any, Any], call: AuthorizedCall) -> Response[bytes]:
        refused: list[ValidationError] = []
        with gather_errors(refused):
            parse_query(request.scope["query_string"])
        headers = request_state_of(request.scope).headers
        body = await read_body(headers, cast("Receive", request.receive), max_body_bytes)
        given = decode_object(headers, body, optional=True)
        return _respond(await call(given, partial(_encode_result, call.context.registry), refused))

    @CALL_FUNCTION.make_handler
    async def call_function(request: Request[Any, Any, Any]) -> Response[bytes]:
        context = request_state_of(request.scope).context
        return await respond(request, await rpc.find_function(context, request.path_params["function"]))

    @CALL_METHOD.make_handler
    async def call_method(request: Request[Any, Any, Any]) -> Response[bytes]:
        given = request.path_params
        context = request_state_of(request.scope).context
        return await respond(request, await rpc.find_method(context, given["doctype"], given["method"]))

    return [call_function, call_method]


def _respond(body: bytes) -> Response[bytes]:
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})


def _encode_result(registry: RegistryView, result: Any) -> bytes:
    encoders = registry.extensions.json_encoders
    return _encode({"result": to_json_form(result, encoders) if encoders else result})


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
