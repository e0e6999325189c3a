"""Validation of values given by callers or left by hooks, reporting all errors at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any

import pydantic
from pydantic import BaseModel

from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT, bounded, from_json
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["document_values", "field_errors_of", "parse_fields", "revalidate", "row_values", "validate"]


def parse_fields(
    specs: Mapping[str, FieldSpec], given: Mapping[str, Any], problems: list[FieldError], at: str = ""
) -> dict[str, Any]:
    """Convert scalar JSON values to stored values; append an error for each invalid one, with `at` before its path."""
    values: dict[str, Any] = {}
    for name, raw in given.items():
        try:
            values[name] = from_json(specs[name], raw)
        except (ValueError, OverflowError) as error:
            problems.append(FieldError(at + name, "wrong_type", str(error)))
    return values


def validate(plan: CompiledDocType, values: Mapping[str, Any]) -> BaseModel:
    """Build a document from values by attribute name: check constraints and validators, then the stores' bounds."""
    return _checked(plan, values, rounding=False)


def revalidate(plan: CompiledDocType, document: BaseModel) -> BaseModel:
    """Round the decimals of a document that hooks have changed, then validate it as a whole."""
    values = dict(document.__dict__)
    problems: list[FieldError] = []
    _bound(plan.bounded, values, True, "", problems)
    for name, child in plan.children.items():
        values[name] = [
            _rounded_row(child.bounded, row, f"{name}.{place}.", problems) for place, row in enumerate(values[name])
        ]
    _raise_if(problems)
    return _checked(plan, values, rounding=True)


def _checked(plan: CompiledDocType, values: Mapping[str, Any], *, rounding: bool) -> BaseModel:
    try:
        document = plan.model.__pydantic_validator__.validate_python(values)
    except pydantic.ValidationError as error:
        raise ValidationError("the document is not valid", field_errors_of(error)) from None
    problems: list[FieldError] = []
    _bound(plan.bounded, document.__dict__, rounding, "", problems, values)
    for name, child in plan.children.items():
        for place, row in enumerate(getattr(document, name)):
            _bound(child.bounded, row.__dict__, rounding, f"{name}.{place}.", problems)
    for name in plan.indexed_text:
        if len(getattr(document, name) or "") > MAX_INDEXED_TEXT:
            message = f"at most {MAX_INDEXED_TEXT} characters are expected, because the field is indexed"
            problems.append(FieldError(name, "too_long", message))
    _raise_if(problems)
    return document  # type: ignore[no-any-return] # pydantic's validator is untyped


def _rounded_row(specs: Sequence[FieldSpec], row: BaseModel, at: str, problems: list[FieldError]) -> dict[str, Any]:
    values = dict(row.__dict__)
    _bound(specs, values, True, at, problems)
    return values


def _bound(
    specs: Sequence[FieldSpec],
    values: dict[str, Any],
    rounding: bool,
    at: str,
    problems: list[FieldError],
    known: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Bound values in place, skipping those unchanged from `known`, already bounded; JSON is always copied."""
    for spec in specs:
        name = spec.name
        value = values.get(name)
        if value is None:
            continue
        if value is known.get(name) and spec.kind is not FieldKind.JSON:
            continue
        try:
            values[name] = bounded(spec, value, rounding=rounding)
        except (ValueError, OverflowError) as error:
            problems.append(FieldError(at + name, "out_of_bounds", str(error)))
        except (TypeError, AttributeError):
            pass  # a value of another type, set by a hook: pydantic converts or rejects it


def document_values(plan: CompiledDocType, document: BaseModel) -> dict[str, Any]:
    """Return the stored values of a document by field name, with child rows as dictionaries including their ids."""
    attributes = document.__dict__
    values = {name: attributes[attribute] for name, attribute in zip(plan.columns, plan.attributes, strict=True)}
    for name in plan.enum_fields:
        values[name] = _plain(values[name])
    values["docstatus"] = int(values["docstatus"])
    for name, child in plan.children.items():
        values[name] = [row_values(child.columns, row) for row in attributes[name]]
    return values


def row_values(columns: tuple[str, ...], row: BaseModel) -> dict[str, Any]:
    """Return the stored values of a child row."""
    attributes = row.__dict__
    return {name: _plain(attributes[name]) for name in columns}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def field_errors_of(error: pydantic.ValidationError) -> list[FieldError]:
    """Convert pydantic's errors to FieldErrors, each with its path; too many are only counted, to bound the time."""
    if error.error_count() > _MOST_FAULTS:
        return [FieldError("*", "invalid", f"{error.error_count()} faults were found, too many to list")]
    found = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        path = ".".join(str(part) for part in fault["loc"]) or "*"
        found.append(FieldError(path, _code(fault["type"]), fault["msg"].removeprefix("Value error, ")))
    return found


def _code(fault: str) -> str:
    """Return the FieldError code for one of pydantic's error types."""
    if fault in _CODES:
        return _CODES[fault]
    if fault.endswith(("_type", "_parsing", "_inf")) or "_from_" in fault:
        return "wrong_type"
    return "out_of_bounds" if fault.startswith(_BOUNDS) or fault.endswith(("too_short", "too_long")) else "invalid"


_MOST_FAULTS = 1_000
_BOUNDS = ("greater_than", "less_than", "multiple_of", "finite_number", "decimal_")
_CODES: Mapping[str, str] = {
    "extra_forbidden": "unknown_field",
    "missing": "required",
    "enum": "not_a_choice",
    "literal_error": "not_a_choice",
    "string_pattern_mismatch": "bad_pattern",
}


def _raise_if(problems: list[FieldError]) -> None:
    if problems:
        raise ValidationError("the document is not valid", problems)
