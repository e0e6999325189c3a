"""OpenAPI schemas of the bodies of operations on documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_standard.http.documents.search_body import SEARCH_SCHEMA
from framework_m_standard.http.openapi.components import reference

__all__ = ["creation", "document", "expected_version", "page", "search_parameters", "update"]

_VERSION: Final = {
    "type": "object",
    "properties": {"_version": {"type": "integer"}},
    "additionalProperties": False,
}


def creation(plan: CompiledDocType) -> dict[str, Any]:
    """Return the schema of a new document."""
    return reference(f"{plan.name}-Create")


def update(plan: CompiledDocType) -> dict[str, Any]:
    """Return the schema of the fields to merge."""
    return reference(f"{plan.name}-Update")


def expected_version(_: CompiledDocType) -> dict[str, Any]:
    """Return the schema of a body with nothing but the version."""
    return dict(_VERSION)


def search_parameters(_: CompiledDocType) -> dict[str, Any]:
    """Return the schema of the parameters of a list."""
    return dict(SEARCH_SCHEMA)


def document(plan: CompiledDocType, grants: Mapping[str, Grant]) -> dict[str, Any]:
    """Return the schema of a document, or of any object if the caller may not read the DocType."""
    return reference(plan.name) if "read" in grants else {"type": "object"}


def page(plan: CompiledDocType, grants: Mapping[str, Grant]) -> dict[str, Any]:
    """Return the schema of a page of documents, or of any object if the caller may not read the DocType."""
    return reference(f"{plan.name}-Page") if "read" in grants else {"type": "object"}
