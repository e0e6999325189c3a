"""Checks of a write request that need neither the stored document nor its grant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.merging import expected_version
from framework_m_core.services.documents.writing.drafts import Expected
from framework_m_core.services.documents.writing.write import Operation

__all__ = ["check_renamable", "check_transition", "read_expected"]


def check_renamable(plan: CompiledDocType) -> None:
    """Raise ValidationError for a DocType whose documents keep their names."""
    if not plan.meta.can_rename:
        raise ValidationError(f"{plan.name} documents keep their names", [FieldError("*", "not_renamable")])


def check_transition(plan: CompiledDocType, operation: Operation, body: Mapping[str, Any]) -> None:
    """Raise ValidationError for a DocType that is not submittable, and for a body with more than a version."""
    if not plan.meta.submittable:
        error = FieldError("*", "not_submittable")
        raise ValidationError(f"expected a submittable DocType, got {plan.name}", [error])
    extra = [name for name in body if name != VERSION_FIELD]
    if extra:
        errors = [FieldError(name, "unknown_field", params={"choices": [VERSION_FIELD]}) for name in extra]
        raise ValidationError(f"expected no fields besides {VERSION_FIELD} to {operation.action}", errors)


def read_expected(body: Mapping[str, Any], if_match: int | None) -> Expected:
    """Return the version that a body or a header states. Raises ValidationError."""
    stated = expected_version(body)
    return Expected(stated) if if_match is None else Expected(if_match, precondition=True)
