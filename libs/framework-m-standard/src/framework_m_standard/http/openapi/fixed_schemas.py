"""OpenAPI schemas of the bodies of login, metadata and health."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from framework_m_standard.http.openapi.parts.references import reference_of

__all__ = ["FIXED_SCHEMAS"]

_TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}
_FLAG: Final = {"type": "boolean"}
_ANY_OBJECT: Final = {"type": "object", "additionalProperties": True}


def _object(description: str, properties: Mapping[str, Any], *optional: str, closed: bool = False) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        **({"additionalProperties": False} if closed else {}),
    }


def _list_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


_FIELD: Final = {
    **dict.fromkeys(("name", "label", "kind"), _TEXT),
    **dict.fromkeys(("type", "widget", "link", "fetch_from"), _TEXT_OR_NULL),
    "operators": _list_of(_TEXT),
    "default_from": {
        "type": ["object", "null"],
        "additionalProperties": True,
        "description": "What is evaluated for a new document: today, now or current_user as value, and what is added.",
    },
    **dict.fromkeys(
        (
            "sortable",
            "required",
            "nullable",
            "read_only",
            "computed",
            "set_once",
            "no_copy",
            "write_only",
            "in_list",
            "unique",
            "allow_on_submit",
        ),
        _FLAG,
    ),
    "scale": {"type": ["integer", "null"], "format": "int32"},
    "choices": {"anyOf": [_list_of(_TEXT), {"type": "null"}]},
    "ext": _ANY_OBJECT,
    "child": {**_TEXT, "description": "The DocType of the rows."},
    "fields": _list_of(reference_of("Framework-FieldMetadata")),
}

FIXED_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "Framework-Credentials": {
        **_object(
            "The credentials of a login.",
            {
                "username": {**_TEXT, "minLength": 1, "maxLength": 320, "description": "The email."},
                "password": {**_TEXT, "minLength": 1, "maxLength": 1024},
            },
            closed=True,
        ),
        "examples": [{"username": "ada@example.com", "password": "a long password"}],
    },
    "Framework-Refresh": _object(
        "The token of an earlier login.",
        {"refresh_token": {**_TEXT, "minLength": 1, "maxLength": 4096}},
        closed=True,
    ),
    "Framework-User": _object(
        "The user who is logged in.", {"id": {**_TEXT, "format": "uuid"}, "email": _TEXT, "roles": _list_of(_TEXT)}
    ),
    "Framework-Tokens": _object(
        "With session=true, the tokens are omitted, and cookies are set instead.",
        {
            "access_token": _TEXT,
            "token_type": {**_TEXT, "enum": ["Bearer"]},
            "expires_in": {"type": "integer", "format": "int32", "description": "Seconds."},
            "refresh_token": _TEXT,
            "user": reference_of("Framework-User"),
        },
        "access_token",
        "token_type",
        "refresh_token",
    ),
    "Framework-Overview": _object(
        "The DocTypes that the caller may see.", {"modules": _list_of(reference_of("Framework-Module"))}
    ),
    "Framework-Module": _object(
        "DocTypes that are shown together.",
        {"name": _TEXT, "doctypes": _list_of(reference_of("Framework-DocTypeSummary"))},
    ),
    "Framework-DocTypeSummary": _object(
        "A DocType in the overview.",
        {"name": _TEXT, "label": _TEXT, "submittable": _FLAG, "permissions": _list_of(_TEXT)},
    ),
    "Framework-Metadata": _object(
        "What a user interface needs to know of a DocType.",
        {
            "doctype": _TEXT,
            "label": _TEXT,
            "module": _TEXT,
            "schema": {**_ANY_OBJECT, "description": "JSON Schema 2020-12."},
            "layout": _ANY_OBJECT,
            "permissions": {"type": "object", "additionalProperties": _FLAG},
            "actions": {"type": "object", "additionalProperties": _TEXT},
            "fields": _list_of(reference_of("Framework-FieldMetadata")),
            "views": _ANY_OBJECT,
            "workflow": {"type": ["object", "null"], "additionalProperties": True},
            "submittable": _FLAG,
            "allow_rename": _FLAG,
            "naming": _TEXT_OR_NULL,
            "title_field": _TEXT_OR_NULL,
            "order_by": _list_of(_TEXT),
            "default_filters": _list_of(_ANY_OBJECT),
            "ext": _ANY_OBJECT,
        },
    ),
    "Framework-FieldMetadata": _object("A field, with its columns if it holds rows.", _FIELD, "child", "fields"),
    "Framework-Health": _object(
        "The state of the process.", {"status": _TEXT, "warnings": _list_of(_TEXT)}, "warnings"
    ),
}
