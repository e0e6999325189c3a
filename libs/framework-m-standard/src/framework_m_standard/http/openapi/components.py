"""OpenAPI components that do not depend on DocTypes: errors, parameters, security, and fixed schemas."""

from __future__ import annotations

from typing import Any, Final

from framework_m_core.domain.page import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET

__all__ = ["PARAMETERS", "SCHEMAS", "SECURITY_SCHEMES", "components_of", "problems", "reference", "requirement"]

_TEXT: Final = {"type": "string"}
_SOME_TEXT: Final = {"type": "string", "minLength": 1}
_KEY: Final = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"}

SCHEMAS: Final[dict[str, Any]] = {
    "Framework-Problem": {
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "code": {**_TEXT, "description": "A stable code for programs."},
            "request_id": {**_TEXT, "format": "uuid"},
            "rule": {**_TEXT, "description": "The rule that refused the request."},
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Framework-FieldError"}},
        },
    },
    "Framework-FieldError": {
        "type": "object",
        "required": ["field", "code", "message", "params"],
        "properties": {
            "field": {**_TEXT, "examples": ["items.0.qty"]},
            "code": _TEXT,
            "message": {**_TEXT, "description": "English text, made from code and params."},
            "params": {
                "type": "object",
                "description": "What the message is made with, for translations.",
                "examples": [{"max_length": 255}],
            },
        },
    },
}

SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The access_token returned by a login."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "m_session",
        "description": "The cookie set by a login with session=true.",
    },
}

_MEANINGS: Final = {
    400: "The request is malformed or invalid.",
    401: "The credentials are missing or invalid.",
    403: "The caller lacks the permission.",
    404: "The document does not exist, or the caller may not read it.",
    405: "The path does not support this method.",
    409: "The request conflicts with stored documents.",
    412: "The condition in If-Match or If-None-Match is false.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    428: "The version to replace is missing.",
    429: "Too many attempts, or too many heavy reads at once.",
    503: "The store is unavailable: try again.",
}


def problems(*statuses: int) -> dict[str, Any]:
    """Return the error responses by status."""
    schema = {"application/problem+json": {"schema": reference("Framework-Problem")}}
    return {str(status): {"description": _MEANINGS[status], "content": schema} for status in statuses}


def requirement(action: str, doctype: str | None) -> str:
    """Return the description of an operation that requires a permission."""
    return f"Requires the permission `{action}` on {doctype}."


def reference(name: str) -> dict[str, Any]:
    """Return a reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def components_of(name: str, schema: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return a JSON Schema and its inner definitions, each as a component of its own."""
    definitions = schema.pop("$defs", {})
    schema.pop("$schema", None)
    parts = {name: schema, **{f"{name}.{inner}": found for inner, found in definitions.items()}}
    return [(part, _lifted(found, name)) for part, found in parts.items()]


def _lifted(node: Any, name: str) -> Any:
    """Return a schema whose references point to the components."""
    if isinstance(node, dict):
        return {key: _target(item, name) if key == "$ref" else _lifted(item, name) for key, item in node.items()}
    return [_lifted(item, name) for item in node] if isinstance(node, list) else node


def _target(found: str, name: str) -> str:
    inner = found.removeprefix("#/$defs/")
    return f"#/components/schemas/{name}.{inner}" if inner != found else found


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": schema}


PARAMETERS: Final[dict[str, Any]] = {
    "limit": _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "The number of documents per page.",
    ),
    "offset": _query(
        "offset", {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET}, "The number of documents to skip."
    ),
    "cursor": _query("cursor", _SOME_TEXT, "The next_cursor of the previous page."),
    "filters": _query(
        "filters",
        {**_SOME_TEXT, "contentMediaType": "application/json"},
        'JSON: a list such as [{"field": "name", "operator": "eq", "value": "A"}], or a tree of and, or and not.',
    ),
    "order_by": _query("order_by", _SOME_TEXT, "Fields separated by commas, with - for descending order."),
    "fields": _query(
        "fields", _SOME_TEXT, "Fields to return, separated by commas; id, name and _version are always returned."
    ),
    "expand": _query("expand", _SOME_TEXT, "Link fields to replace by the linked documents, separated by commas."),
    "count": _query("count", {**_TEXT, "enum": ["none", "exact"]}, "Whether to count all matching documents."),
    "include_deleted": _query("include_deleted", {"type": "boolean"}, "Whether to include deleted documents."),
    "hard": _query(
        "hard", {"type": "boolean"}, "Whether to delete permanently, which requires the permission `purge`."
    ),
    "if_match": _header("If-Match", _TEXT, "ETags of which the document or page must have one, or *."),
    "if_none_match": _header(
        "If-None-Match",
        _TEXT,
        "ETags of which the document or page must have none, such as those of the client's copies, or *.",
    ),
    "idempotency_key": _header("Idempotency-Key", _KEY, "A key by which repeated requests write only once."),
}
