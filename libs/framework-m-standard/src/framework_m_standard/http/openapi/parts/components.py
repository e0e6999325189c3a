"""OpenAPI components that do not depend on DocTypes: security and fixed schemas."""

from __future__ import annotations

from typing import Any, Final

from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT
from framework_m_core.domain.filters.tree import OPERATORS
from framework_m_standard.http.documents.form_body import FORM_PROPERTIES
from framework_m_standard.http.openapi.parts.references import reference_of

__all__ = ["SCHEMAS", "SECURITY_SCHEMES", "describe_requirement"]

_TEXT: Final = {"type": "string"}

SCHEMAS: Final[dict[str, Any]] = {
    "Framework-Problem": {
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": {**_TEXT, "format": "uri-reference"},
            "title": _TEXT,
            "status": {"type": "integer", "format": "int32", "minimum": 400, "maximum": 599},
            "detail": _TEXT,
            "code": {**_TEXT, "description": "A stable code for programs."},
            "request_id": {**_TEXT, "format": "uuid"},
            "rule": {**_TEXT, "description": "The rule that refused the request."},
            "errors": {"type": "array", "items": reference_of("Framework-FieldError")},
            "linked_by": {"type": "array", "items": reference_of("Framework-LinkingDocument")},
            "others": {"type": "integer", "format": "int32", "description": "How many more documents link."},
        },
    },
    "Framework-LinkingDocument": {
        "type": "object",
        "description": "A document that links to the one that is to be deleted or cancelled.",
        "required": ["doctype", "id", "name"],
        "properties": {"doctype": _TEXT, "id": {**_TEXT, "format": "uuid"}, "name": _TEXT},
    },
    "Framework-FieldError": {
        "type": "object",
        "description": "What is wrong with one field.",
        "required": ["field", "code", "message", "params"],
        "properties": {
            "field": {**_TEXT, "examples": ["items.0.qty"]},
            "code": _TEXT,
            "message": {**_TEXT, "description": "English text, made from code and params."},
            "params": {
                "type": "object",
                "additionalProperties": True,
                "description": "What the message is made with, for translations.",
                "examples": [{"max_length": 255}],
            },
        },
    },
    "Framework-Receipt": {
        "type": "object",
        "description": "A written document, for callers that may not read it.",
        "required": ["id", "name", "_version"],
        "properties": {
            "id": {**_TEXT, "format": "uuid"},
            "name": _TEXT,
            "_version": {"type": "integer", "format": "int64"},
        },
    },
    "Framework-ExpectedVersion": {
        "type": "object",
        "description": "The version that is changed, if the caller wants it checked.",
        "properties": {"_version": {"type": "integer", "format": "int64"}},
        "additionalProperties": False,
    },
    "Framework-Form": {
        "type": "object",
        "description": "The values of a form, which need not be complete.",
        "properties": {
            "data": {
                "type": "object",
                "additionalProperties": True,
                "description": "As a body has it.",
            },
            **FORM_PROPERTIES,
        },
        "required": ["data"],
        "additionalProperties": False,
    },
    "Framework-ComputedForm": {
        "type": "object",
        "description": "The fields that you may read of a form, with defaults, fetched and computed values.",
        "properties": {
            "data": {"type": "object", "additionalProperties": True, "description": "As a document has it."},
            "seq": {"type": "integer", "format": "int64", "description": "As the request has it."},
        },
        "required": ["data"],
    },
    "Framework-Rename": {
        "type": "object",
        "description": "The new name, and the version that is changed, if the caller wants it checked.",
        "required": ["name"],
        "properties": {
            "name": {**_TEXT, "minLength": 1, "maxLength": MAX_INDEXED_TEXT},
            "_version": {"type": "integer", "format": "int64"},
        },
        "additionalProperties": False,
    },
    "Framework-Operator": {
        **_TEXT,
        "description": "How a filter compares a field with its value.",
        "enum": list(OPERATORS),
    },
    "Framework-Count": {**_TEXT, "description": "Whether a list counts.", "enum": ["none", "exact"]},
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


def describe_requirement(action: str, doctype: str | None) -> str:
    """Return the description of an operation that requires a permission."""
    return f"Requires the permission `{action}` on {doctype}."
