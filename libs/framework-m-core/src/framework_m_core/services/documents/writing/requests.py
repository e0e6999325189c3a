"""The check of a write request that needs neither the stored document nor its grant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.merging import read_expected_version
from framework_m_core.services.documents.writing.drafts import Expected
from framework_m_core.services.documents.writing.write import AMEND, RENAME, RESTORE, Operation

__all__ = ["check_request", "read_expected"]


def check_request(plan: CompiledDocType, operation: Operation, body: Mapping[str, Any]) -> None:
    """Raise ValidationError for an operation that the DocType does not have, and for more fields than it takes."""
    if operation is RENAME and not plan.meta.can_rename:
        raise ValidationError(f"{plan.name} documents keep their names", [FieldError("*", "not_renamable")])
    if (operation.docstatus is not None or operation is AMEND) and not plan.meta.submittable:
        error = FieldError("*", "not_submittable")
        raise ValidationError(f"expected a submittable DocType, got {plan.name}", [error])
    if operation.docstatus is not None or operation is RESTORE:
        _refuse_fields(operation, body)


def _refuse_fields(operation: Operation, body: Mapping[str, Any]) -> None:
    extra = [name for name in body if name != VERSION_FIELD]
    if extra:
        errors = [FieldError(name, "unknown_field", params={"choices": [VERSION_FIELD]}) for name in extra]
        raise ValidationError(f"expected no fields besides {VERSION_FIELD} to {operation.name} a document", errors)


def read_expected(body: Mapping[str, Any], if_match: int | None) -> Expected:
    """Return the version that a body or a header states. Raises ValidationError."""
    stated = read_expected_version(body)
    return Expected(stated) if if_match is None else Expected(if_match, precondition=True)
