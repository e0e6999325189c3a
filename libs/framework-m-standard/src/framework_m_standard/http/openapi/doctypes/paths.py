"""OpenAPI paths of one DocType, limited to what the caller may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_standard.http.documents.operation import Operation
from framework_m_standard.http.documents.operation_table import list_document_operations
from framework_m_standard.http.openapi.parts.components import describe_requirement
from framework_m_standard.http.openapi.parts.references import reference_of
from framework_m_standard.http.openapi.parts.responses import describe_problems, describe_response

__all__ = ["describe_doctype_paths"]

_BODILESS: Final = {204: "Done.", 304: "The client's copy is current."}
_ID: Final = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The id or the name of the document.",
    "schema": {"type": "string"},
}


def describe_doctype_paths(plan: CompiledDocType, grants: Mapping[str, Grant]) -> dict[str, Any]:
    """Return the paths of the operations on a DocType's documents that the caller has a grant for."""
    paths: dict[str, Any] = {}
    for one in list_document_operations():
        if not one.variant and one.serves(plan) and not _actions(one).isdisjoint(grants):
            path = one.template.replace("{doctype}", plan.name)
            paths.setdefault(path, {})[one.method.lower()] = _operation(plan, one, grants)
    for path, operations in paths.items():
        if "{id}" in path:
            operations["parameters"] = [_ID]
    return paths


def _actions(operation: Operation) -> frozenset[str]:
    """Return the actions of an operation and of its variants."""
    route = (operation.method, operation.path)
    found = [one for one in list_document_operations() if (one.method, one.path) == route]
    return frozenset(action for one in found for action in (one.action, one.other_action) if action)


def _operation(plan: CompiledDocType, one: Operation, grants: Mapping[str, Grant]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{one.name}{plan.name}",
        "tags": [plan.name],
        "summary": one.format_summary(plan.name),
        "description": _describe_requirements(plan, one),
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in (*one.query, *one.headers)],
        "responses": {
            **{str(status): _response(plan, one, status, grants) for status in one.statuses},
            **describe_problems(*one.errors),
        },
    }
    if one.request is not None:
        content = {"application/json": {"schema": reference_of(one.request(plan))}}
        described["requestBody"] = {"required": one.request_required, "content": content}
    return described


def _describe_requirements(plan: CompiledDocType, one: Operation) -> str:
    required = describe_requirement(one.action, plan.name)
    if one.other_action:
        return f"{required} For a document that the body names: {describe_requirement(one.other_action, plan.name)}"
    if one.lesser_action:
        return f"{required} With `{one.lesser_action}` alone, documents have their id, name, version and title."
    return required


def _response(plan: CompiledDocType, one: Operation, status: int, grants: Mapping[str, Grant]) -> dict[str, Any]:
    if status in _BODILESS:
        return describe_response(_BODILESS[status], headers=one.response_headers)
    schema = reference_of(one.response(plan, grants)) if one.response is not None else None
    return describe_response(one.format_summary(plan.name), schema, one.response_headers)
