"""The paths and schemas of what apps have declared callable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import PydanticSchemaGenerationError, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema

from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.calls import DOC_ID, CallPlan
from framework_m_core.registry.plans import DocTypePlan
from framework_m_standard.http.openapi.components import components_of, problems, reference

__all__ = ["CallParts", "function_parts", "method_parts"]

_DOCUMENT = {"type": "string", "description": "The document, by id or name."}

type CallParts = tuple[dict[str, Any], dict[str, Any]]
"""Paths and schemas."""


def method_parts(plan: DocTypePlan, grants: Mapping[str, Grant]) -> CallParts:
    """The methods of a DocType that the caller may call."""
    calls = {name: call for name, call in plan.calls.items() if call.action is None or call.action in grants}
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for name, call in calls.items():
        identifier = f"{plan.name}.{name}"
        body = call.arguments.model_json_schema()
        body["properties"] = {DOC_ID: _DOCUMENT, **body.get("properties", {})}
        schemas |= _schemas(identifier, call, body)
        paths[f"/api/v1/rpc/{plan.name}/{name}"] = {"post": _operation(identifier, plan.name, call)}
    return paths, schemas


def function_parts(functions: Mapping[str, CallPlan], visible: Mapping[str, Mapping[str, Grant]]) -> CallParts:
    """The functions that the caller may call."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for path, call in functions.items():
        if call.action is None or call.action in visible.get(call.doctype or "", {}):
            schemas |= _schemas(path, call, call.arguments.model_json_schema())
            paths[f"/api/v1/rpc/fn/{path}"] = {"post": _operation(path, "Functions", call)}
    return paths, schemas


def _schemas(identifier: str, call: CallPlan, body: dict[str, Any]) -> dict[str, Any]:
    result = {"type": "object", "required": ["result"], "properties": {"result": _result(call)}}
    inner = result["properties"]["result"].pop("$defs", {})  # type: ignore[index]
    if inner:
        result["$defs"] = inner
    return dict([*components_of(f"{identifier}.Arguments", body), *components_of(f"{identifier}.Answer", result)])


def _result(call: CallPlan) -> dict[str, Any]:
    """The schema of what a call returns; anything where its annotation does not say."""
    try:
        return TypeAdapter(call.returns).json_schema(mode="serialization")
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema):
        return {}


def _operation(identifier: str, tag: str, call: CallPlan) -> dict[str, Any]:
    summary, _, rest = call.about.partition("\n")
    needs = f"Needs leave to {call.action} {call.doctype}." if call.action else "Open to everybody."
    body = {"application/json": {"schema": reference(f"{identifier}.Arguments")}}
    answer = {"application/json": {"schema": reference(f"{identifier}.Answer")}}
    required = any(field.is_required() for field in call.arguments.model_fields.values())
    return {
        "operationId": f"call_{identifier.replace('.', '_')}",
        "tags": [tag],
        "summary": summary or identifier,
        "description": f"{rest.strip()}\n\n{needs}".strip(),
        "requestBody": {"required": required, "content": body},
        "responses": {
            "200": {"description": "What it returned.", "content": answer},
            **problems(400, 401, 403, 404, 409, 413, 415, 503),
        },
        **({} if call.action else {"security": []}),
    }
