"""OpenAPI responses and their headers: errors as problem documents, and what each response carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from framework_m_standard.http.openapi.parts.references import reference_of

__all__ = ["HEADERS", "PROBLEM_RESPONSES", "describe_problems", "describe_response"]

_TEXT: Final = {"type": "string"}

HEADERS: Final[dict[str, Any]] = {
    "ETag": {"description": "The version of what is returned, for If-Match and If-None-Match.", "schema": _TEXT},
    "Location": {
        "description": "The path of the new document.",
        "schema": {**_TEXT, "format": "uri-reference"},
    },
    "Cache-Control": {"description": "Whether and for how long caches may keep the response.", "schema": _TEXT},
    "Set-Cookie": {"description": "The cookies of the session: m_session and m_csrf.", "schema": _TEXT},
    "X-Request-ID": {
        "description": "The id of the request, by which the server's log names it.",
        "schema": {**_TEXT, "format": "uuid"},
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "integer", "format": "int32", "minimum": 0},
    },
    "WWW-Authenticate": {"description": "The scheme of the missing credentials.", "schema": _TEXT},
}

_OF_ALL: Final = ("X-Request-ID",)
_OF_PROBLEMS: Final[Mapping[str, tuple[str, ...]]] = {
    "401": ("WWW-Authenticate",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}
_PROBLEMS: Final[Mapping[str, tuple[str, str]]] = {
    "400": ("BadRequest", "The request is malformed or invalid."),
    "401": ("Unauthorized", "The credentials are missing or invalid."),
    "403": ("Forbidden", "The caller lacks the permission."),
    "404": ("NotFound", "The document does not exist, or the caller may not read it."),
    "409": ("Conflict", "The request conflicts with stored documents."),
    "412": ("PreconditionFailed", "The condition in If-Match or If-None-Match is false."),
    "413": ("ContentTooLarge", "The body is too large."),
    "415": ("UnsupportedMediaType", "The body is not JSON."),
    "428": ("PreconditionRequired", "The version to replace is missing."),
    "429": ("TooManyRequests", "Too many attempts, or too many heavy reads or writes at once."),
    "503": ("ServiceUnavailable", "The store is unavailable: try again."),
}


def describe_response(
    description: str, schema: Mapping[str, Any] | None = None, headers: Iterable[str] = ()
) -> dict[str, Any]:
    """Return a response with a JSON body, or with none, and with references to its headers."""
    names = (*headers, *_OF_ALL)
    content = {"content": {"application/json": {"schema": schema}}} if schema is not None else {}
    return {"description": description, "headers": {name: _header(name) for name in names}, **content}


def describe_problems(*statuses: int) -> dict[str, Any]:
    """Return references to the error responses by status."""
    return {str(status): {"$ref": f"#/components/responses/{_PROBLEMS[str(status)][0]}"} for status in statuses}


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _problem(status: str, description: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": reference_of("Framework-Problem")}}
    return {**describe_response(description, headers=_OF_PROBLEMS.get(status, ())), "content": content}


PROBLEM_RESPONSES: Final = {name: _problem(status, description) for status, (name, description) in _PROBLEMS.items()}
"""The error responses by the name of their component."""
