"""The stage `compute`: the values of computed fields of a document that is final, rows first."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pydantic
from pydantic import BaseModel

from framework_m_core.domain.errors import ControllerError, FieldError, FrameworkError, ValidationError
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT, normalize_value
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType
from framework_m_core.services.documents.validation import field_error_of, field_errors_of

__all__ = ["compute_fields", "compute_where_possible"]


def compute_fields(plan: CompiledDocType, document: BaseModel) -> None:
    """Set the computed fields of a document and its rows, but for those that its status fixes.

    Raises ValidationError for values that their fields cannot hold, and ControllerError for functions that fail.
    """
    for field, child in plan.children.items():
        if child.computed.specs:
            for place, row in enumerate(vars(document)[field]):
                _compute(f"{plan.name}.{field}.", f"{field}.{place}.", child, row)
    _compute(f"{plan.name}.", "", plan, document)


def compute_where_possible(plan: CompiledDocType, document: BaseModel) -> None:
    """Set the computed fields of a document and its rows, which need not be complete: what cannot be computed is null.

    What its status fixes stays.
    """
    for field, child in plan.children.items():
        if child.computed.specs:
            for row in vars(document)[field]:
                _compute_possible(child, row)
    _compute_possible(plan, document)


def _compute_possible(table: CompiledDocType | CompiledChildTable, document: BaseModel) -> None:
    for name in table.computed.names:
        if name not in document.model_fields_set:
            with suppress(FrameworkError):
                vars(document)[name] = _value(name, "", table, name, document)
                document.model_fields_set.add(name)


def _compute(of: str, at: str, table: CompiledDocType | CompiledChildTable, document: BaseModel) -> None:
    for name in table.computed.names:
        if name not in document.model_fields_set:
            vars(document)[name] = _value(of + name, at, table, name, document)
            document.model_fields_set.add(name)


def _value(of: str, at: str, table: CompiledDocType | CompiledChildTable, name: str, document: BaseModel) -> Any:
    """Return what a function computes, as the field holds it."""
    spec = table.computed.specs[name]
    try:
        value = table.computed.checks[name].validate_python(_call(of, name, document))
        value = normalize_value(spec, value, rounding=True)
    except pydantic.ValidationError as error:
        found = [FieldError(at + name, one.code, one.message, one.params) for one in field_errors_of(error)]
    except (ValueError, OverflowError) as error:
        found = [field_error_of(at + name, error, "out_of_bounds")]
    else:
        if name not in table.indexed_text or len(value or "") <= MAX_INDEXED_TEXT:
            return value
        found = [FieldError(at + name, "too_long", params={"max_length": MAX_INDEXED_TEXT})]
    raise ValidationError(f"{of} is computed as a value that is not valid", found)


def _call(of: str, name: str, document: BaseModel) -> Any:
    try:
        return getattr(document, name)
    except FrameworkError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ControllerError(f"{of} cannot be computed: {reason}", running=of) from error
