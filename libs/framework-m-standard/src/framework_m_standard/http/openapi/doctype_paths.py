"""The paths and schemas of one DocType, as far as a caller may use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.metadata.schemas import document_schema, input_schema
from framework_m_standard.http.access import RouteAccess, document_access
from framework_m_standard.http.openapi.components import components_of, problems, reference
from framework_m_standard.http.openapi.examples import example_of

__all__ = ["doctype_paths", "doctype_schemas"]

_LIST_PARAMETERS: Final = (
    "limit", "offset", "cursor", "filters", "order_by", "fields", "expand", "count", "include_deleted",
    "if_match", "if_none_match",
)  # fmt: skip
_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "list": _LIST_PARAMETERS,
    "create": ("idempotency_key",),
    "get": ("fields", "expand", "if_match", "if_none_match"),
    "replace": ("if_match", "if_none_match", "idempotency_key"),
    "update": ("if_match", "if_none_match", "idempotency_key"),
    "delete": ("hard", "if_match", "if_none_match", "idempotency_key"),
    "submit": ("if_match", "if_none_match", "idempotency_key"),
    "cancel": ("if_match", "if_none_match", "idempotency_key"),
}
_SUMMARIES: Final = {
    "list": "A page of documents",
    "create": "Create a document",
    "get": "One document",
    "replace": "Change a document of a known version",
    "update": "Change a document",
    "delete": "Delete a document",
    "submit": "Make a draft final",
    "cancel": "Revoke a submitted document",
}
_ERRORS: Final[Mapping[str, tuple[int, ...]]] = {
    "list": (400, 401, 403, 412, 429, 503),
    "create": (400, 401, 403, 409, 413, 415, 503),
    "get": (400, 401, 403, 404, 412, 503),
    "replace": (400, 401, 403, 404, 409, 412, 413, 415, 428, 503),
    "update": (400, 401, 403, 404, 409, 412, 413, 415, 503),
    "delete": (400, 401, 403, 404, 409, 412, 503),
    "submit": (400, 401, 403, 404, 409, 412, 413, 415, 503),
    "cancel": (400, 401, 403, 404, 409, 412, 413, 415, 503),
}
_DELETED_AT: Final = {
    "type": ["string", "null"],
    "format": "date-time",
    "readOnly": True,
    "description": "Served in lists with include_deleted.",
}
_VERSION: Final = {
    "type": "object",
    "properties": {"_version": {"type": "integer"}},
    "additionalProperties": False,
}


def doctype_schemas(plan: CompiledDocType, grants: Mapping[str, Grant]) -> dict[str, Any]:
    """The schemas of a DocType: as it is served, and of the bodies that the caller may send."""
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
    """The operations on documents of a DocType that the caller has a grant for."""
    paths: dict[str, Any] = {}
    for route in document_access():
        if route.action in grants or (route.operation == "delete" and "purge" in grants):
            path = route.path.replace("{doctype}", plan.name)
            paths.setdefault(path, {})[route.method.lower()] = _operation(plan, route, grants)
    for path, operations in paths.items():
        if "{id}" in path:
            described = "The id, or the name."
            operations["parameters"] = [
                {"name": "id", "in": "path", "required": True, "description": described, "schema": {"type": "string"}}
            ]
    return paths


def _operation(plan: CompiledDocType, route: RouteAccess, grants: Mapping[str, Grant]) -> dict[str, Any]:
    name = route.operation
    operation: dict[str, Any] = {
        "operationId": f"{name}{plan.name}",
        "tags": [plan.name],
        "summary": _SUMMARIES[name],
        "description": f"Needs leave to {route.action} {plan.name}.",
        "parameters": [{"$ref": f"#/components/parameters/{one}"} for one in _PARAMETERS[name]],
        "responses": {**_answers(plan, name, grants), **problems(*_ERRORS[name])},
    }
    body = _body(plan, name)
    if body is not None:
        content = {"application/json": {"schema": body}}
        operation["requestBody"] = {"required": name in {"create", "replace", "update"}, "content": content}
    return operation


def _body(plan: CompiledDocType, operation: str) -> dict[str, Any] | None:
    if operation == "create":
        return reference(f"{plan.name}-Create")
    if operation in {"replace", "update"}:
        return reference(f"{plan.name}-Update")
    return dict(_VERSION) if operation in {"submit", "cancel"} else None


def _answers(plan: CompiledDocType, operation: str, grants: Mapping[str, Grant]) -> dict[str, Any]:
    if operation == "delete":
        return {"204": {"description": "It is deleted."}}
    schema: dict[str, Any] = {"type": "object"}
    if "read" in grants:
        schema = reference(f"{plan.name}-Page" if operation == "list" else plan.name)
    answer = {"description": _SUMMARIES[operation], "content": {"application/json": {"schema": schema}}}
    if operation in {"get", "list"}:
        return {"200": answer, "304": {"description": "The client has it as it is."}}
    return {"201" if operation == "create" else "200": answer}
