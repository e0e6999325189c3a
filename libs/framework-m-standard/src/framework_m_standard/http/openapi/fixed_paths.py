"""OpenAPI paths that every app has, derived from the table of fixed routes."""

from __future__ import annotations

from typing import Any, Final

from framework_m_standard.http.openapi.parts.references import reference_of
from framework_m_standard.http.openapi.parts.responses import describe_problems, describe_response
from framework_m_standard.http.routes.table import FIXED_ROUTES, FixedRoute

__all__ = ["describe_fixed_paths"]

_CURRENT: Final = "The client's copy is current."
_CALLERS: Final = {"authenticated": "Requires a login.", "login": "Open to everyone.", "none": "Open to everyone."}
_IN_PATH: Final = {"doctype": "The name of the DocType."}


def describe_fixed_paths() -> dict[str, Any]:
    """Return the paths of the fixed routes that have a summary."""
    paths: dict[str, Any] = {}
    for one in FIXED_ROUTES:
        if one.summary:
            paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return paths


def _operation(one: FixedRoute) -> dict[str, Any]:
    """Return the operation of a route."""
    headers = (*(("ETag",) if one.is_conditional else ()), "Cache-Control", *one.response_headers)
    responses = {
        str(one.status): describe_response(one.summary, _schema(one.response), headers),
        **describe_problems(*one.errors),
    }
    if one.is_conditional:
        responses["304"] = describe_response(_CURRENT, headers=headers)
    operation: dict[str, Any] = {
        "operationId": _camel_case(one.name),
        "tags": ["Framework"],
        "summary": one.summary,
        "description": _CALLERS[one.action],
        "responses": responses,
    }
    if parameters := _parameters(one):
        operation["parameters"] = parameters
    if one.request is not None:
        content = {"application/json": {"schema": _schema(one.request)}}
        operation["requestBody"] = {"required": True, "content": content}
    if one.action in {"login", "none"}:
        operation["security"] = []
    return operation


def _schema(name: str | None) -> dict[str, Any] | None:
    if name == "object":
        return {"type": "object", "additionalProperties": True}
    return None if name is None else reference_of(name)


def _parameters(one: FixedRoute) -> list[dict[str, Any]]:
    in_path = [_in_path(name) for name in one.parameters]
    names = (*one.query, *(("if_match", "if_none_match") if one.is_conditional else ()))
    return [*in_path, *({"$ref": f"#/components/parameters/{name}"} for name in names)]


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": _IN_PATH[name], "schema": {"type": "string"}}


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
