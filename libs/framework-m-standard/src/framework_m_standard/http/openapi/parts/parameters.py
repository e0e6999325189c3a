"""OpenAPI parameters of operations on documents, in queries and headers."""

from __future__ import annotations

from typing import Any, Final

from framework_m_core.domain.page import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET
from framework_m_standard.http.openapi.parts.references import reference_of

__all__ = ["PARAMETERS"]

_TEXT: Final = {"type": "string"}
_SOME_TEXT: Final = {"type": "string", "minLength": 1}
_KEY: Final = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"}


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": schema}


PARAMETERS: Final[dict[str, Any]] = {
    "limit": _query(
        "limit",
        {"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "The number of documents per page.",
    ),
    "offset": _query(
        "offset",
        {"type": "integer", "format": "int32", "minimum": 0, "maximum": MAX_OFFSET},
        "The number of documents to skip.",
    ),
    "cursor": _query("cursor", _SOME_TEXT, "The next_cursor of the previous page."),
    "filters": _query(
        "filters",
        {**_SOME_TEXT, "contentMediaType": "application/json"},
        'JSON: a list such as [{"field": "name", "operator": "eq", "value": "A"}], or a tree of and, or and not. '
        "The search takes the same as typed values.",
    ),
    "order_by": _query("order_by", _SOME_TEXT, "Fields separated by commas, with - for descending order."),
    "fields": _query(
        "fields", _SOME_TEXT, "Fields to return, separated by commas; id, name and _version are always returned."
    ),
    "expand": _query("expand", _SOME_TEXT, "Link fields to replace by the linked documents, separated by commas."),
    "titles": _query("titles", {"type": "boolean"}, "Whether to add `_titles`, the titles of the linked documents."),
    "count": _query("count", reference_of("Framework-Count"), "Whether to count all matching documents."),
    "include_deleted": _query("include_deleted", {"type": "boolean"}, "Whether to include deleted documents."),
    "default_filters": _query(
        "default_filters", {"type": "boolean"}, "False to list without the default filters of the DocType."
    ),
    "session": _query("session", {"type": "boolean"}, "Whether to set cookies instead of returning tokens."),
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
