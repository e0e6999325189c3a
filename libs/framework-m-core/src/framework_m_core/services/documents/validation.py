"""Validation of converted values, given by callers or left by hooks, reporting all errors at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import pydantic
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT, InvalidValueError, normalize_value
from framework_m_core.domain.hash_keys import hash_key
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType
from framework_m_core.services.documents.codec import hold_computed, without_computed
from framework_m_core.services.documents.old_values import find_stored_rows, is_stored, to_plain_value, validate_beside

__all__ = [
    "dump_document",
    "dump_row",
    "field_error_of",
    "field_errors_of",
    "find_constraint_errors",
    "revalidate",
    "validate",
]


_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def validate(plan: CompiledDocType, values: Mapping[str, Any], stored: Mapping[str, Any] = _NOTHING) -> BaseModel:
    """Build a document from values by attribute name: check constraints and validators, then the stores' bounds.

    Values equal to the stored ones are not checked against constraints.
    """
    return _validate(plan, values, stored, rounding=False)


def revalidate(plan: CompiledDocType, document: BaseModel, stored: Mapping[str, Any] = _NOTHING) -> BaseModel:
    """Round the decimals of a document that hooks have changed, then validate it as a whole, as `validate` does."""
    values = dict(document.__dict__)
    errors: list[FieldError] = []
    _normalize_values(plan.bounded, values, True, "", errors)
    for name, child in plan.children.items():
        values[name] = [
            _round_row(child.bounded, row, f"{name}.{place}.", errors) for place, row in enumerate(values[name])
        ]
    _raise_if(errors)
    return _validate(plan, values, stored, rounding=True)


def _validate(
    plan: CompiledDocType, values: Mapping[str, Any], stored: Mapping[str, Any], *, rounding: bool
) -> BaseModel:
    document: BaseModel
    if plan.has_computed:
        values = without_computed(plan, values)
    try:
        document = plan.model.__pydantic_validator__.validate_python(values)
    except pydantic.ValidationError as error:
        document = _build_beside(plan, values, stored, error)
    errors: list[FieldError] = []
    _normalize_values(plan.bounded, vars(document), rounding, "", errors, values)
    for name, child in plan.children.items():
        rows = getattr(document, name)
        for place, row in enumerate(rows):
            _normalize_values(child.bounded, row.__dict__, rounding, f"{name}.{place}.", errors)
        if child.indexed_text:
            errors += _long_texts(child, rows, stored)
    for name in plan.indexed_text:
        value = vars(document).get(name)
        if len(value or "") > MAX_INDEXED_TEXT and not is_stored(value, name, stored):
            errors.append(FieldError(name, "too_long", params={"max_length": MAX_INDEXED_TEXT}))
    _raise_if(errors)
    if plan.has_computed:
        hold_computed(plan, document, stored)
    return document


def _build_beside(
    plan: CompiledDocType, values: Mapping[str, Any], stored: Mapping[str, Any], error: pydantic.ValidationError
) -> BaseModel:
    """Return a document whose refused values are old ones. Raises ValidationError for others."""
    if stored:
        try:
            return validate_beside(plan, values, stored)
        except pydantic.ValidationError as other:
            error = other
    raise ValidationError("the document is not valid", field_errors_of(error, plan)) from None


def find_constraint_errors(plan: CompiledDocType, values: Mapping[str, Any]) -> list[FieldError]:
    """Return what the fields' constraints refuse of some values of a document, for errors that tell all at once."""
    try:
        plan.model.__pydantic_validator__.validate_python(dict(values))
    except pydantic.ValidationError as error:
        found = [one for one in field_errors_of(error, plan) if one.field.partition(".")[0] in values]
        return [one for one in found if not one.field.endswith(".id")]  # rows get theirs later
    return []


def _long_texts(child: CompiledChildTable, rows: Sequence[BaseModel], stored: Mapping[str, Any]) -> list[FieldError]:
    """Return an error for each indexed text of rows that is too long, unless it is stored so."""
    found = [
        (f"{child.field}.{place}.{name}", row, name, value)
        for place, row in enumerate(rows)
        for name in child.indexed_text
        if len(value := vars(row).get(name) or "") > MAX_INDEXED_TEXT
    ]
    known = find_stored_rows(stored, child.field) if found else {}
    return [
        FieldError(at, "too_long", params={"max_length": MAX_INDEXED_TEXT})
        for at, row, name, value in found
        if not is_stored(value, name, known.get(hash_key(vars(row)["id"]), _NOTHING))
    ]


def _round_row(specs: Sequence[FieldSpec], row: BaseModel, at: str, errors: list[FieldError]) -> dict[str, Any]:
    values = dict(row.__dict__)
    _normalize_values(specs, values, True, at, errors)
    return values


def _normalize_values(
    specs: Sequence[FieldSpec],
    values: dict[str, Any],
    rounding: bool,
    at: str,
    errors: list[FieldError],
    known: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Normalize values in place, skipping those unchanged from `known`; JSON is always copied."""
    for spec in specs:
        name = spec.name
        value = values.get(name)
        if value is None:
            continue
        if value is known.get(name) and spec.kind is not FieldKind.JSON:
            continue
        try:
            values[name] = normalize_value(spec, value, rounding=rounding)
        except (ValueError, OverflowError) as error:
            errors.append(field_error_of(at + name, error, "out_of_bounds"))
        except (TypeError, AttributeError):
            pass  # a value of another type, set by a hook: pydantic converts or rejects it


def dump_document(plan: CompiledDocType, document: BaseModel) -> dict[str, Any]:
    """Return the stored values of a document by field name, with child rows as dictionaries including their ids."""
    attributes = document.__dict__
    values = {name: attributes[attribute] for name, attribute in zip(plan.columns, plan.attributes, strict=True)}
    for name in plan.enum_fields:
        values[name] = to_plain_value(values[name])
    values["docstatus"] = int(values["docstatus"])
    for name, child in plan.children.items():
        values[name] = [dump_row(child.columns, row) for row in attributes[name]]
    return values


def dump_row(columns: tuple[str, ...], row: BaseModel) -> dict[str, Any]:
    """Return the stored values of a child row."""
    attributes = row.__dict__
    return {name: to_plain_value(attributes[name]) for name in columns}


def field_error_of(path: str, error: ValueError | OverflowError, code: str) -> FieldError:
    """Return the FieldError of a refused value; one that names no code of its own gets `code`."""
    if isinstance(error, InvalidValueError):
        return FieldError(path, error.code, params=error.params)
    return FieldError(path, code, str(error))


def field_errors_of(error: pydantic.ValidationError, plan: CompiledDocType | None = None) -> list[FieldError]:
    """Convert pydantic's errors to FieldErrors, each with its path; too many are only counted, to bound the time."""
    if error.error_count() > _MAX_ERRORS:
        return [FieldError("*", "invalid", params={"count": error.error_count()})]
    return [_field_error(details, plan) for details in error.errors(include_url=False, include_input=False)]


def _field_error(error: ErrorDetails, plan: CompiledDocType | None) -> FieldError:
    path = ".".join(str(part) for part in error["loc"]) or "*"
    code = _code(error["type"])
    params = _params(error, code, plan)
    message = "" if params or code in _WITHOUT_PARAMS else error["msg"].removeprefix("Value error, ")
    return FieldError(path, code, message, params)


def _params(error: ErrorDetails, code: str, plan: CompiledDocType | None) -> dict[str, Any]:
    """Return the parameters of our message for one of pydantic's errors: bounds that the field declares."""
    kind = error["type"]
    if code == "not_a_choice":
        choices = _choices(plan, error["loc"]) if plan else ()
        return {"choices": list(choices)} if choices else {}
    if code == "wrong_type":
        name = _TYPES.get(kind.partition("_")[0])
        return {"type": name} if name else {}
    if kind == "finite_number":
        return {"finite": "number"}
    declared, name = _PARAMS.get(kind, ("", ""))
    context = error.get("ctx", {})
    return {name: context[declared]} if declared in context else {}


def _choices(plan: CompiledDocType, location: tuple[int | str, ...]) -> tuple[str, ...]:
    match location:
        case (str(name),) if name in plan.fields:
            return plan.fields[name].choices
        case (str(name), int(), str(column)) if name in plan.children and column in plan.children[name].fields:
            return plan.children[name].fields[column].choices
    return ()


def _code(error_type: str) -> str:
    """Return the FieldError code for one of pydantic's error types."""
    if error_type in _CODES:
        return _CODES[error_type]
    if error_type.endswith(("_type", "_parsing", "_inf")) or "_from_" in error_type:
        return "wrong_type"
    return (
        "out_of_bounds"
        if error_type.startswith(_BOUNDS) or error_type.endswith(("too_short", "too_long"))
        else "invalid"
    )


_MAX_ERRORS = 1_000
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


def _raise_if(errors: list[FieldError]) -> None:
    if errors:
        raise ValidationError("the document is not valid", errors)
