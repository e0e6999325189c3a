"""OpenAPI paths that every app has: login, metadata, health."""

from __future__ import annotations

from typing import Any, Final

from framework_m_standard.http.openapi.components import problems, reference

__all__ = ["FIXED_PATHS", "FIXED_SCHEMAS"]

_TEXT: Final = {"type": "string"}
_USER: Final = {
    "type": "object",
    "properties": {
        "id": {**_TEXT, "format": "uuid"},
        "email": _TEXT,
        "roles": {"type": "array", "items": _TEXT},
    },
    "required": ["id", "email", "roles"],
}

FIXED_SCHEMAS: Final[dict[str, Any]] = {
    "Framework-Credentials": {
        "type": "object",
        "properties": {"username": {**_TEXT, "description": "The email."}, "password": _TEXT},
        "required": ["username", "password"],
        "additionalProperties": False,
        "examples": [{"username": "ada@example.com", "password": "a long password"}],
    },
    "Framework-Refresh": {
        "type": "object",
        "properties": {"refresh_token": _TEXT},
        "required": ["refresh_token"],
        "additionalProperties": False,
    },
    "Framework-User": _USER,
    "Framework-Tokens": {
        "type": "object",
        "properties": {
            "access_token": _TEXT,
            "token_type": {"const": "Bearer"},
            "expires_in": {"type": "integer", "description": "Seconds."},
            "refresh_token": _TEXT,
            "user": reference("Framework-User"),
        },
        "required": ["expires_in", "user"],
        "description": "With session=true, the tokens are omitted, and cookies are set instead.",
    },
}


def _operation(name: str, summary: str, status: int, schema: dict[str, Any] | None, *errors: int) -> dict[str, Any]:
    response: dict[str, Any] = {"description": summary}
    if schema is not None:
        response["content"] = {"application/json": {"schema": schema}}
    return {
        "operationId": name,
        "tags": ["Framework"],
        "summary": summary,
        "responses": {str(status): response, **problems(*errors)},
    }


def _with_body(operation: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {**operation, "requestBody": body, "security": []}


def _cached(operation: dict[str, Any]) -> dict[str, Any]:
    parameters = [{"$ref": f"#/components/parameters/{name}"} for name in ("if_match", "if_none_match")]
    responses = {**operation["responses"], "304": {"description": "The client's copy is current."}}
    return {**operation, "parameters": parameters, "responses": responses}


_OBJECT: Final = {"type": "object"}
_SESSION: Final = {
    "name": "session",
    "in": "query",
    "description": "Whether to set cookies instead of returning tokens.",
    "schema": {"type": "boolean"},
}
_DOCTYPE: Final = {"name": "doctype", "in": "path", "required": True, "schema": _TEXT}
_LOGIN: Final = _operation("login", "Log in", 200, reference("Framework-Tokens"), 400, 401, 413, 415, 429, 503)
_REFRESH: Final = _operation(
    "refresh", "Exchange a refresh token for new tokens", 200, reference("Framework-Tokens"), 400, 401, 413, 415, 503
)
_META: Final = _cached(_operation("meta", "Get the metadata of a DocType", 200, _OBJECT, 401, 403, 404, 412, 503))
_OVERVIEW: Final = _cached(
    _operation("metaOverview", "List the DocTypes that the caller may see", 200, _OBJECT, 401, 412, 503)
)

FIXED_PATHS: Final[dict[str, Any]] = {
    "/api/v1/auth/login": {
        "post": {**_with_body(_LOGIN, reference("Framework-Credentials")), "parameters": [_SESSION]},
    },
    "/api/v1/auth/refresh": {"post": _with_body(_REFRESH, reference("Framework-Refresh"))},
    "/api/v1/auth/logout": {"post": _operation("logout", "End the session", 204, None, 401, 403, 503)},
    "/api/v1/auth/me": {"get": _operation("me", "Get the current user", 200, reference("Framework-User"), 401, 503)},
    "/api/meta": {"get": _OVERVIEW},
    "/api/meta/{doctype}": {"get": _META, "parameters": [_DOCTYPE]},
    "/health": {"get": {**_operation("health", "Check that the process is alive", 200, _OBJECT), "security": []}},
    "/ready": {
        "get": {**_operation("ready", "Check that the process is ready to serve", 200, _OBJECT, 503), "security": []}
    },
}
