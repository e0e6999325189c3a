"""OpenAPI paths and schemas of the methods and functions that apps have declared callable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import PydanticSchemaGenerationError, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema

from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.endpoints import DOC_ID, Endpoint
from framework_m_standard.http.openapi.components import problems, reference, requirement

__all__ = ["CallParts", "function_parts", "method_parts"]

_DOCUMENT = {"type": "string", "description": "The id or the name of the document."}

type CallParts = tuple[dict[str, Any], dict[str, Any]]
"""The paths and the schemas of calls."""


def method_parts(plan: CompiledDocType, grants: Mapping[str, Grant]) -> CallParts:
    """Return the parts of the methods of a DocType that the caller may call."""
    calls = {name: call for name, call in plan.calls.items() if call.action is None or call.action in grants}
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for name, call in calls.items():
        identifier = f"{plan.name}-call-{name}"
        schemas |= _schemas(identifier, call)
        paths[f"/api/v1/rpc/{plan.name}/{name}"] = {"post": _operation(identifier, name, plan.name, call)}
    return paths, schemas


def function_parts(functions: Mapping[str, Endpoint], visible: Mapping[str, Mapping[str, Grant]]) -> CallParts:
    """Return the parts of the functions that the caller may call."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for path, call in functions.items():
        if call.action is None or call.action in visible.get(call.doctype or "", {}):
            identifier = f"call-{path}"
            schemas |= _schemas(identifier, call)
            paths[f"/api/v1/rpc/fn/{path}"] = {"post": _operation(identifier, path, "Functions", call)}
    return paths, schemas


def _schemas(identifier: str, call: Endpoint) -> dict[str, Any]:
    """Return the schemas of a call's request and response bodies, and of the models that they use."""
    template = f"#/components/schemas/{identifier}.{{model}}"
    body = call.arguments.model_json_schema(ref_template=template)
    if call.document:
        body["properties"] = {DOC_ID: _DOCUMENT, **body.get("properties", {})}
        body["required"] = [DOC_ID, *body.get("required", ())]
    result = _result(call, template)
    parts = {**body.pop("$defs", {}), **result.pop("$defs", {})}
    answer = {"type": "object", "required": ["result"], "properties": {"result": result}}
    own = {f"{identifier}.{name}": schema for name, schema in parts.items()}
    return {f"{identifier}-Arguments": body, f"{identifier}-Answer": answer, **own}


def _result(call: Endpoint, template: str) -> dict[str, Any]:
    """Return the schema of a call's result, or one that allows anything if the annotation has none."""
    try:
        return TypeAdapter(call.returns).json_schema(mode="serialization", ref_template=template)
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema):
        return {}


def _operation(identifier: str, name: str, tag: str, call: Endpoint) -> dict[str, Any]:
    summary, _, rest = call.about.partition("\n")
    required_permission = requirement(call.action, call.doctype) if call.action else "Open to everyone."
    body = {"application/json": {"schema": reference(f"{identifier}-Arguments")}}
    answer = {"application/json": {"schema": reference(f"{identifier}-Answer")}}
    required = call.document or any(field.is_required() for field in call.arguments.model_fields.values())
    return {
        "operationId": identifier,
        "tags": [tag],
        "summary": summary or name,
        "description": f"{rest.strip()}\n\n{required_permission}".strip(),
        "requestBody": {"required": required, "content": body},
        "responses": {
            "200": {"description": "The result of the call.", "content": answer},
            **problems(400, 401, 403, 404, 409, 413, 415, 503),
        },
        **({} if call.action else {"security": []}),
    }
