"""Validation of values given by callers or left by hooks, reporting all errors at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any

import pydantic
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT, InvalidValueError, bounded, from_json
from framework_m_core.registry.compiled import CompiledDocType

__all__ = [
    "document_values",
    "field_error_of",
    "field_errors_of",
    "parse_fields",
    "revalidate",
    "row_values",
    "validate",
]


def parse_fields(
    specs: Mapping[str, FieldSpec], given: Mapping[str, Any], problems: list[FieldError], at: str = ""
) -> dict[str, Any]:
    """Convert scalar JSON values to stored values; append an error for each invalid one, with `at` before its path."""
    values: dict[str, Any] = {}
    for name, raw in given.items():
        try:
            values[name] = from_json(specs[name], raw)
        except (ValueError, OverflowError) as error:
            problems.append(field_error_of(at + name, error, "wrong_type"))
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
        raise ValidationError("the document is not valid", field_errors_of(error, plan)) from None
    problems: list[FieldError] = []
    _bound(plan.bounded, document.__dict__, rounding, "", problems, values)
    for name, child in plan.children.items():
        for place, row in enumerate(getattr(document, name)):
            _bound(child.bounded, row.__dict__, rounding, f"{name}.{place}.", problems)
    for name in plan.indexed_text:
        if len(getattr(document, name) or "") > MAX_INDEXED_TEXT:
            problems.append(FieldError(name, "too_long", params={"max_length": MAX_INDEXED_TEXT}))
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
            problems.append(field_error_of(at + name, error, "out_of_bounds"))
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


def field_error_of(path: str, error: ValueError | OverflowError, code: str) -> FieldError:
    """Return the FieldError of a refused value; one that names no code of its own gets `code`."""
    if isinstance(error, InvalidValueError):
        return FieldError(path, error.code, params=error.params)
    return FieldError(path, code, str(error))


def field_errors_of(error: pydantic.ValidationError, plan: CompiledDocType | None = None) -> list[FieldError]:
    """Convert pydantic's errors to FieldErrors, each with its path; too many are only counted, to bound the time."""
    if error.error_count() > _MOST_FAULTS:
        return [FieldError("*", "invalid", params={"count": error.error_count()})]
    return [_field_error(fault, plan) for fault in error.errors(include_url=False, include_input=False)]


def _field_error(fault: ErrorDetails, plan: CompiledDocType | None) -> FieldError:
    path = ".".join(str(part) for part in fault["loc"]) or "*"
    code = _code(fault["type"])
    params = _params(fault, code, plan)
    message = "" if params or code in _WITHOUT_PARAMS else fault["msg"].removeprefix("Value error, ")
    return FieldError(path, code, message, params)


def _params(fault: ErrorDetails, code: str, plan: CompiledDocType | None) -> dict[str, Any]:
    """Return the parameters of our message for one of pydantic's errors: bounds that the field declares."""
    kind = fault["type"]
    if code == "not_a_choice":
        choices = _choices(plan, fault["loc"]) if plan else ()
        return {"choices": list(choices)} if choices else {}
    if code == "wrong_type":
        name = _TYPES.get(kind.partition("_")[0])
        return {"type": name} if name else {}
    if kind == "finite_number":
        return {"finite": "number"}
    declared, name = _PARAMS.get(kind, ("", ""))
    context = fault.get("ctx", {})
    return {name: context[declared]} if declared in context else {}


def _choices(plan: CompiledDocType, location: tuple[int | str, ...]) -> tuple[str, ...]:
    match location:
        case (str(name),) if name in plan.fields:
            return plan.fields[name].choices
        case (str(name), int(), str(column)) if name in plan.children and column in plan.children[name].fields:
            return plan.children[name].fields[column].choices
    return ()


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
_WITHOUT_PARAMS = frozenset({"required", "unknown_field"})
_TYPES: Mapping[str, str] = {
    "string": "text",
    "int": "integer",
    "float": "float",
    "bool": "boolean",
    "decimal": "decimal",
    "datetime": "datetime",
    "date": "date",
    "uuid": "uuid",
    "bytes": "bytes",
    "list": "list",
    "dict": "object",
    "model": "object",
}
"""The parameter `type` by the first word of pydantic's error type."""

_PARAMS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "more_than"),
    "greater_than_equal": ("ge", "min"),
    "less_than": ("lt", "less_than"),
    "less_than_equal": ("le", "max"),
    "multiple_of": ("multiple_of", "multiple_of"),
    "decimal_max_digits": ("max_digits", "max_digits"),
    "decimal_max_places": ("decimal_places", "max_decimal_places"),
    "decimal_whole_digits": ("whole_digits", "max_whole_digits"),
    "string_too_short": ("min_length", "min_length"),
    "string_too_long": ("max_length", "max_length"),
    "bytes_too_short": ("min_length", "min_bytes"),
    "bytes_too_long": ("max_length", "max_bytes"),
    "too_short": ("min_length", "min_items"),
    "too_long": ("max_length", "max_items"),
    "string_pattern_mismatch": ("pattern", "pattern"),
}
"""By pydantic's error type: the bound in its context, and the parameter of ours that shows it."""


def _raise_if(problems: list[FieldError]) -> None:
    if problems:
        raise ValidationError("the document is not valid", problems)
