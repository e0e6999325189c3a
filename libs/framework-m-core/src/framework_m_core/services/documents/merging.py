"""Request bodies: checks of which fields may be written, and merging into the stored values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.documents.naming import PromptNaming
from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.fields.values import from_json
from framework_m_core.domain.hash_keys import HashKey, hash_key
from framework_m_core.domain.suggestions import find_similar
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledChildTable, CompiledDocType
from framework_m_core.services.documents.json_conversion import convert
from framework_m_core.services.documents.validation import field_error_of, find_constraint_errors

__all__ = [
    "MAX_CHILD_ROWS",
    "find_unseen_fields",
    "parse_fields",
    "read_creation",
    "read_expected_version",
    "sets_hidden",
    "update_values",
]

MAX_CHILD_ROWS = 10_000
_UNKNOWN = object()
_MAX_FIELDS = 1_000
_MAX_ERRORS = 100
_MAX_SUGGESTIONS = 20


def read_creation(
    plan: CompiledDocType, grant: Grant, body: Mapping[str, Any], *, partial: bool = False
) -> tuple[dict[str, Any], str | None]:
    """Return the values and the given name of a new document. Raises ValidationError listing every refused field.

    Fields that a `partial` body lacks, in rows too, are not refused.
    """
    _check_size(body)
    given, named = dict(body), {}
    if isinstance(plan.naming, PromptNaming) and "name" in given:
        named["name"] = given.pop("name")
    errors = _readonly_errors([field for field in given if field not in grant.writable], grant)
    taken = {field: raw for field, raw in given.items() if field in grant.writable}
    name = parse_fields(plan.specs, named, errors).get("name")
    values = _merge(plan, grant, taken, {}, errors)
    if errors:
        missing = [] if partial else _missing(plan, given)
        errors += [*missing, *_given_errors(find_constraint_errors(plan, values), partial)]
    _refuse(errors)
    return values, name


def update_values(
    plan: CompiledDocType,
    grant: Grant,
    served: Callable[[], Mapping[str, Any]],
    stored: Mapping[str, Any],
    body: Mapping[str, Any],
    known: Mapping[str, Any] | None = None,
    *,
    partial: bool = False,
) -> dict[str, Any]:
    """Return the writable fields of a body, as stored values. Raises ValidationError listing every refused field.

    A field that is not writable is ignored if it echoes the served value, and refused otherwise. `stored` holds all
    stored values of the document, `known` those that may be accepted for being stored, `served` returns what the
    caller may read of it. Fields that a `partial` body lacks in rows are not refused.
    """
    _check_size(body)
    errors: list[FieldError] = []
    echoes = [field for field in body if field not in grant.writable and field != VERSION_FIELD]
    if echoes:
        shown = served()
        differing = [field for field in echoes if not _is_echo(plan, field, shown, body[field])]
        errors += _readonly_errors(differing, grant)
    taken = {field: raw for field, raw in body.items() if field in grant.writable}
    values = _merge(plan, grant, taken, stored, errors)
    if errors:
        old = stored if known is None else known
        changed = {name: value for name, value in values.items() if old.get(name, _UNKNOWN) != value}
        found = find_constraint_errors(plan, {name: changed[name] for name in changed if name in plan.columns})
        errors += _given_errors(found, partial)
    _refuse(errors)
    return values


def find_unseen_fields(plan: CompiledDocType, readable: frozenset[str], body: Mapping[str, Any]) -> list[str]:
    """Return the fields of a body that are fixed by submitting and not fully readable by the caller."""
    return [field for field in body if field in plan.fields and _is_unseen(plan, field, readable, body[field])]


def sets_hidden(plan: CompiledDocType, readable: frozenset[str], body: Mapping[str, Any]) -> bool:
    """Return whether a body sets a field, or a column of a row, that the caller cannot read."""
    for field, given in body.items():
        if field in plan.fields and field not in readable:
            return True
        child = plan.children.get(field)
        rows = [row for row in given if isinstance(row, Mapping)] if child and isinstance(given, list) else []
        if child and any(name in child.fields and f"{field}.{name}" not in readable for row in rows for name in row):
            return True
    return False


def _is_unseen(plan: CompiledDocType, field: str, readable: frozenset[str], given: Any) -> bool:
    is_open = plan.fields[field].allow_on_submit
    if not is_open and field not in readable:
        return True
    child = plan.children.get(field)
    if child is None or not isinstance(given, list):
        return False
    opened = {name for name, spec in child.fields.items() if spec.allow_on_submit}
    fixed = [row for row in given if isinstance(row, Mapping) and ("id" in row or not is_open)]
    return any(name != "id" and f"{field}.{name}" not in readable for row in fixed for name in row.keys() - opened)


def _merge(
    plan: CompiledDocType,
    grant: Grant,
    taken: Mapping[str, Any],
    stored: Mapping[str, Any],
    errors: list[FieldError],
) -> dict[str, Any]:
    """Return the stored values of the writable fields of a body, and append errors to `errors`."""
    if not plan.children:
        return parse_fields(plan.fields, taken, errors)
    scalars = {field: raw for field, raw in taken.items() if field not in plan.children}
    values = parse_fields(plan.fields, scalars, errors)
    for field in [field for field in plan.children if field in taken]:
        try:
            values[field] = _merge_rows(plan.children[field], grant, stored.get(field, []), taken[field])
        except ValidationError as error:
            errors += error.errors
    return values


def _check_size(given: Mapping[str, Any], at: str = "") -> None:
    """Raise ValidationError for more fields than any DocType has, to bound the work of later checks."""
    if len(given) > _MAX_FIELDS:
        params = {"max_fields": _MAX_FIELDS, "count": len(given)}
        _refuse([FieldError(at.rstrip(".") or "*", "out_of_bounds", params=params)])


def _missing(plan: CompiledDocType, given: Mapping[str, Any]) -> list[FieldError]:
    wanted = [name for name, spec in plan.fields.items() if spec.required and name not in given]
    return [FieldError(name, "required") for name in wanted]


def _given_errors(errors: list[FieldError], partial: bool) -> list[FieldError]:
    """Return errors, for a partial body those of the values that it has."""
    return [error for error in errors if error.code != "required"] if partial else errors


def read_expected_version(body: Mapping[str, Any]) -> int | None:
    """Return the version that the caller expects: the `_version` of a body. Raises ValidationError."""
    if VERSION_FIELD not in body:
        return None
    version = body[VERSION_FIELD]
    if not isinstance(version, int) or isinstance(version, bool):
        raise ValidationError(
            "the version is not valid", [FieldError(VERSION_FIELD, "wrong_type", params={"type": "integer"})]
        )
    return version


def _merge_rows(
    child: CompiledChildTable, grant: Grant, stored: list[dict[str, Any]], listed: Any
) -> list[dict[str, Any]]:
    if not isinstance(listed, list):
        _refuse([FieldError(child.field, "wrong_type", params={"type": "list"})])
    if len(listed) > MAX_CHILD_ROWS:
        params = {"max_items": MAX_CHILD_ROWS, "count": len(listed)}
        _refuse([FieldError(child.field, "out_of_bounds", params=params)])
    known = {hash_key(row["id"]): row for row in stored}
    errors: list[FieldError] = []
    merged: list[dict[str, Any]] = []
    for place, row in enumerate(listed):
        if len(errors) >= _MAX_ERRORS:
            break
        try:
            merged.append(_merge_row(child, grant, known, row, f"{child.field}.{place}."))
        except ValidationError as error:
            errors.extend(error.errors)
    _refuse(errors)
    return merged


def _merge_row(
    child: CompiledChildTable, grant: Grant, known: dict[HashKey, dict[str, Any]], row: Any, at: str
) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        _refuse([FieldError(at.rstrip("."), "wrong_type", params={"type": "object"})])
    _check_size(row, at)
    given = dict(row)
    before = known.pop(hash_key(_row_id(given.pop("id"), at)), None) if "id" in given else {}
    if before is None:
        _refuse([FieldError(at + "id", "unknown_row")])
    refused = []
    for field in [name for name in given if f"{child.field}.{name}" not in grant.writable]:
        if not _is_row_echo(child, grant, field, before or {}, given.pop(field)):
            refused.append(field)
    errors = _readonly_errors(refused, grant, child.field, at)
    values = parse_fields(child.fields, given, errors, at)
    _refuse(errors)
    return {**(before or {}), **values}


def _row_id(raw: Any, at: str) -> UUID:
    try:
        return UUID(str(raw))
    except ValueError:
        error = FieldError(at + "id", "unknown_row", params={"type": "uuid"})
        raise ValidationError("the id of a row is not valid", [error]) from None


def _is_row_echo(child: CompiledChildTable, grant: Grant, field: str, before: Mapping[str, Any], raw: Any) -> bool:
    if f"{child.field}.{field}" not in grant.readable or field not in before:
        return False
    return _same(child.fields[field], before[field], raw)


def _is_echo(plan: CompiledDocType, field: str, served: Mapping[str, Any], raw: Any) -> bool:
    if field not in served:
        return False
    if field in plan.children:
        return _rows_echo(plan.children[field], served[field], raw)
    return _same(plan.specs[field], served[field], raw)


def _rows_echo(child: CompiledChildTable, served: list[Mapping[str, Any]], raw: Any) -> bool:
    if not isinstance(raw, list) or len(raw) != len(served):
        return False
    for row, given in zip(served, raw, strict=True):
        if not isinstance(given, Mapping) or not given.keys() <= row.keys():
            return False
        specs = {"id": FRAMEWORK_SPECS["id"], **child.fields}
        if not all(_same(specs[name], row[name], value) for name, value in given.items()):
            return False
    return True


def _same(spec: FieldSpec, stored: Any, raw: Any) -> bool:
    try:
        return bool(from_json(spec, raw) == stored)
    except (ValueError, OverflowError):
        return False


def _known_fields(grant: Grant, child: str) -> frozenset[str]:
    """Return the fields, of the document or of a child table, whose existence the caller may know of."""
    known = grant.readable | grant.writable
    return frozenset(name.rpartition(".")[2] for name in known if name.rpartition(".")[0] == child)


def _readonly_errors(fields: Sequence[str], grant: Grant, child: str = "", at: str = "") -> list[FieldError]:
    if not fields:
        return []
    seen = _known_fields(grant, child)
    return [_readonly_error(field, seen, at, suggests=place < _MAX_SUGGESTIONS) for place, field in enumerate(fields)]


def _readonly_error(field: str, seen: frozenset[str], at: str, *, suggests: bool) -> FieldError:
    if field in seen:
        return FieldError(at + field, "not_writable")
    meant = find_similar(field, seen) if suggests else None
    return FieldError(at + field, "unknown_field", params={"suggestion": meant} if meant else {})


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise ValidationError("the body has invalid fields", errors)


def parse_fields(
    specs: Mapping[str, FieldSpec], given: Mapping[str, Any], errors: list[FieldError], at: str = ""
) -> dict[str, Any]:
    """Convert scalar JSON values to stored values; append an error for each invalid one, with `at` before its path."""
    values: dict[str, Any] = {}
    for name, raw in given.items():
        spec = specs[name]
        converted = raw if spec.elements is None else convert(spec.elements, raw, errors, at + name)
        try:
            values[name] = from_json(spec, converted)
        except (ValueError, OverflowError) as error:
            errors.append(field_error_of(at + name, error, "wrong_type"))
    return values
