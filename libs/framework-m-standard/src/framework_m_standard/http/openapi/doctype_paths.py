"""OpenAPI paths and schemas of one DocType, limited to what the caller may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.metadata.schemas import document_schema, input_schema
from framework_m_standard.http.documents.operation import Operation
from framework_m_standard.http.documents.operations import document_operations
from framework_m_standard.http.openapi.components import components_of, problems, reference, requirement
from framework_m_standard.http.openapi.examples import example_of

__all__ = ["doctype_paths", "doctype_schemas"]

_BODILESS: Final = {204: "Done.", 304: "The client's copy is current."}
_DELETED_AT: Final = {
    "type": ["string", "null"],
    "format": "date-time",
    "readOnly": True,
    "description": "Included in lists with include_deleted.",
}


def doctype_schemas(plan: CompiledDocType, grants: Mapping[str, Grant]) -> dict[str, Any]:
    """Return the schemas of a DocType: of served documents, and of the bodies that the caller may send."""
    schemas: dict[str, Any] = {}
    if "read" in grants:
        readable = grants["read"].readable
        schema = document_schema(plan, readable, frozenset())
        schema["required"] = ["id", "name", "_version"]
        if "delete" in grants:
            schema["properties"]["deleted_at"] = _DELETED_AT
        schema["examples"] = [example_of(plan, schema)]
        schemas[plan.name] = schema
        schemas[f"{plan.name}-Page"] = _page(plan)
    for action, suffix in (("create", "-Create"), ("write", "-Update")):
        if action in grants:
            schema = input_schema(plan, grants[action].writable, creating=action == "create")
            schema["examples"] = [example_of(plan, schema)]
            schemas[plan.name + suffix] = schema
    return {name: found for whole in schemas.items() for name, found in components_of(*whole)}


def _page(plan: CompiledDocType) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "items": {"type": "array", "items": reference(plan.name)},
        "total": {"type": ["integer", "null"]},
        "limit": {"type": "integer"},
        "offset": {"type": "integer"},
        "has_more": {"type": "boolean"},
        "next_cursor": {"type": ["string", "null"]},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def doctype_paths(plan: CompiledDocType, grants: Mapping[str, Grant]) -> dict[str, Any]:
    """Return the paths of the operations on a DocType's documents that the caller has a grant for."""
    paths: dict[str, Any] = {}
    for one in document_operations():
        if not one.variant and one.serves(plan) and not _actions(one).isdisjoint(grants):
            path = one.template.replace("{doctype}", plan.name)
            paths.setdefault(path, {})[one.method.lower()] = _operation(plan, one, grants)
    for path, operations in paths.items():
        if "{id}" in path:
            described = "The id or the name of the document."
            operations["parameters"] = [
                {"name": "id", "in": "path", "required": True, "description": described, "schema": {"type": "string"}}
            ]
    return paths


def _actions(operation: Operation) -> frozenset[str]:
    """Return the actions of an operation and of its variants."""
    route = (operation.method, operation.path)
    return frozenset(one.action for one in document_operations() if (one.method, one.path) == route)


def _operation(plan: CompiledDocType, one: Operation, grants: Mapping[str, Grant]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{one.name}{plan.name}",
        "tags": [plan.name],
        "summary": one.summary_for(plan.name),
        "description": requirement(one.action, plan.name),
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in (*one.query, *one.headers)],
        "responses": {**_responses(plan, one, grants), **problems(*one.errors)},
    }
    if one.request is not None:
        content = {"application/json": {"schema": one.request(plan)}}
        described["requestBody"] = {"required": one.request_required, "content": content}
    return described


def _responses(plan: CompiledDocType, one: Operation, grants: Mapping[str, Grant]) -> dict[str, Any]:
    return {str(status): _response(plan, one, status, grants) for status in one.statuses}


def _response(plan: CompiledDocType, one: Operation, status: int, grants: Mapping[str, Grant]) -> dict[str, Any]:
    if status in _BODILESS:
        return {"description": _BODILESS[status]}
    response: dict[str, Any] = {"description": one.summary_for(plan.name)}
    if one.response is not None:
        response["content"] = {"application/json": {"schema": one.response(plan, grants)}}
    return response
