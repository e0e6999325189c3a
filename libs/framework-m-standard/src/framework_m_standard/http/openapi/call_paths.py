"""OpenAPI paths and schemas of the methods and functions that apps have declared callable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import PydanticSchemaGenerationError, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema

from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.endpoints import DOC_ID, Endpoint
from framework_m_core.services.metadata.schemas import VALUE_SCHEMAS
from framework_m_standard.http.openapi.parts.components import describe_requirement
from framework_m_standard.http.openapi.parts.references import reference_of, rename_default
from framework_m_standard.http.openapi.parts.responses import describe_problems, describe_response
from framework_m_standard.http.routes.table import CALL_FUNCTION, CALL_METHOD

__all__ = ["CallParts", "describe_functions", "describe_methods"]

_DOCUMENT = {"type": "string", "description": "The id or the name of the document."}

type CallParts = tuple[dict[str, Any], dict[str, Any]]
"""The paths and the schemas of calls."""


def describe_methods(plan: CompiledDocType, grants: Mapping[str, Grant]) -> CallParts:
    """Return the parts of the methods of a DocType that the caller may call."""
    calls = {name: call for name, call in plan.calls.items() if call.action is None or call.action in grants}
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for name, call in calls.items():
        identifier = f"{plan.name}-call-{name}"
        schemas |= _schemas(identifier, call)
        path = CALL_METHOD.path.format(doctype=plan.name, method=name)
        paths[path] = {"post": _operation(identifier, f"Call {name} of {plan.name}", plan.name, call)}
    return paths, schemas


def describe_functions(functions: Mapping[str, Endpoint], visible: Mapping[str, Mapping[str, Grant]]) -> CallParts:
    """Return the parts of the functions that the caller may call."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for path, call in functions.items():
        if call.action is None or call.action in visible.get(call.doctype or "", {}):
            identifier = f"call-{path.replace('.', '-')}"
            schemas |= _schemas(identifier, call)
            described = _operation(identifier, f"Call {path}", "Functions", call)
            paths[CALL_FUNCTION.path.format(function=path)] = {"post": described}
    return paths, schemas


def _schemas(identifier: str, call: Endpoint) -> dict[str, Any]:
    """Return the schemas of a call's request and response bodies, and of the models that they use."""
    template = f"#/components/schemas/{identifier}--{{model}}"
    body = call.arguments.model_json_schema(ref_template=template, schema_generator=VALUE_SCHEMAS)
    if call.document:
        body["properties"] = {DOC_ID: _DOCUMENT, **body.get("properties", {})}
        body["required"] = [DOC_ID, *body.get("required", ())]
    for schema in (body, *body.get("$defs", {}).values()):
        for described in schema.get("properties", {}).values():
            rename_default(described)
    result = _result(call, template)
    parts = {**body.pop("$defs", {}), **result.pop("$defs", {})}
    body_schema = {"type": "object", "required": ["result"], "properties": {"result": result}}
    own = {f"{identifier}--{name}": schema for name, schema in parts.items()}
    return {f"{identifier}-Arguments": body, f"{identifier}-Response": body_schema, **own}


def _result(call: Endpoint, template: str) -> dict[str, Any]:
    """Return the schema of a call's result, or one that allows anything if the annotation has none."""
    try:
        returns = TypeAdapter(call.returns)
        return returns.json_schema(mode="serialization", ref_template=template, schema_generator=VALUE_SCHEMAS)
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema):
        return {}


def _operation(identifier: str, title: str, tag: str, call: Endpoint) -> dict[str, Any]:
    about, _, rest = call.about.partition("\n")
    required_permission = describe_requirement(call.action, call.doctype) if call.action else "Open to everyone."
    body = {"application/json": {"schema": reference_of(f"{identifier}-Arguments")}}
    result = reference_of(f"{identifier}-Response")
    required = call.document or any(field.is_required() for field in call.arguments.model_fields.values())
    return {
        "operationId": identifier,
        "tags": [tag],
        "summary": f"{title}: {about}" if about else title,
        "description": f"{rest.strip()}\n\n{required_permission}".strip(),
        "requestBody": {"required": required, "content": body},
        "responses": {
            "200": describe_response("The result of the call.", result, ("Cache-Control",)),
            **describe_problems(400, 401, 403, 404, 409, 412, 413, 415, 429, 503),
        },
        **({} if call.action else {"security": []}),
    }
