"""Which OpenAPI schemas describe the bodies of operations on documents, by their names among the components."""

from __future__ import annotations

from collections.abc import Mapping

from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType

__all__ = [
    "schema_of_amendment",
    "schema_of_computed_form",
    "schema_of_copy",
    "schema_of_creation",
    "schema_of_document",
    "schema_of_expected_version",
    "schema_of_form",
    "schema_of_page",
    "schema_of_rename",
    "schema_of_search_parameters",
    "schema_of_update",
]


def schema_of_creation(plan: CompiledDocType) -> str:
    """Return the name of the schema of a new document."""
    return f"{plan.name}-Create"


def schema_of_copy(plan: CompiledDocType) -> str:
    """Return the name of the schema of what a copy has in place of the document's fields."""
    return f"{plan.name}-Duplicate"


def schema_of_amendment(plan: CompiledDocType) -> str:
    """Return the name of the schema of what an amendment has in place of the document's fields."""
    return f"{plan.name}-Amend"


def schema_of_update(plan: CompiledDocType) -> str:
    """Return the name of the schema of the fields to merge."""
    return f"{plan.name}-Update"


def schema_of_expected_version(_: CompiledDocType) -> str:
    """Return the name of the schema of a body with nothing but the version."""
    return "Framework-ExpectedVersion"


def schema_of_rename(_: CompiledDocType) -> str:
    """Return the name of the schema of a body with the new name, and perhaps the version."""
    return "Framework-Rename"


def schema_of_search_parameters(plan: CompiledDocType) -> str:
    """Return the name of the schema of the parameters of a list."""
    return f"{plan.name}-Search"


def schema_of_form(_: CompiledDocType) -> str:
    """Return the name of the schema of a form to compute."""
    return "Framework-Form"


def schema_of_computed_form(_: CompiledDocType, __: Mapping[str, Grant]) -> str:
    """Return the name of the schema of a form with its computed values."""
    return "Framework-ComputedForm"


def schema_of_document(plan: CompiledDocType, grants: Mapping[str, Grant]) -> str:
    """Return the name of the schema of a document, or of a receipt if the caller may not read the DocType."""
    return plan.name if "read" in grants else "Framework-Receipt"


def schema_of_page(plan: CompiledDocType, _: Mapping[str, Grant]) -> str:
    """Return the name of the schema of a page of documents."""
    return f"{plan.name}-Page"
