"""Conditions as Python code writes them: `field`, or `field__operator`, with a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any, cast

from framework_m_core.domain.fields.json_form import JsonEncoders, to_json_form
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.fields.values import from_json
from framework_m_core.domain.filters.operators import operators_of
from framework_m_core.domain.filters.patterns import check_pattern
from framework_m_core.domain.filters.tree import OPERATORS, Comparison, Operator

__all__ = ["describe_comparison", "read_comparison", "split_condition"]


def split_condition(name: str, value: Any) -> tuple[str, Operator, Any]:
    """Return the field, the operator and the value of a condition; None asks for null.

    The last part of a name is an operator only if it is one.
    """
    field, separator, last = name.rpartition("__")
    is_operator = bool(separator) and last in OPERATORS
    operator: Operator = cast("Operator", last) if is_operator else "eq"
    field = field if is_operator else name
    if value is None and operator in {"eq", "ne"}:
        return field, "is_null", operator == "eq"
    return field, operator, list(value) if isinstance(value, (tuple, set, frozenset)) else value


def read_comparison(name: str, value: Any, specs: Mapping[str, FieldSpec]) -> Comparison:
    """Return the comparison of a condition that a declaration states. Raises ValueError for one that none can hold."""
    field, operator, operand = split_condition(name, value)
    spec = specs.get(field)
    if spec is None or not (offered := operators_of(spec)) or field == "deleted_at":
        known = ", ".join(one for one, of in specs.items() if operators_of(of) and one != "deleted_at")
        raise ValueError(f"there is no field {field!r} to compare: expected one of {known}")
    if operator not in offered:
        raise ValueError(f"expected an operator of {', '.join(offered)} for {field!r}, got {operator!r}")
    return Comparison(field, operator, _operand(spec, operator, operand))


def describe_comparison(comparison: Comparison, encoders: JsonEncoders) -> dict[str, Any]:
    """Return a comparison in the form of the HTTP API."""
    value = to_json_form(comparison.value, encoders)
    return {"field": comparison.field, "operator": comparison.operator, "value": value}


def _operand(spec: FieldSpec, operator: str, value: Any) -> Any:
    if operator == "is_null":
        if not isinstance(value, bool):
            raise ValueError(f"{spec.name!r}: is_null expects True or False, got {value!r}")
        return value
    if operator in {"in", "not_in", "between"}:
        if not isinstance(value, Sequence) or isinstance(value, str) or (operator == "between" and len(value) != 2):
            number = "two values" if operator == "between" else "values"
            raise ValueError(f"{spec.name!r}: {operator} expects a list of {number}, got {value!r}")
        return tuple(_single(spec, one) for one in value)
    if operator == "has" and spec.items is not None:
        return _single(replace(spec, kind=spec.items, items=None, elements=None), value)
    operand = _single(spec, value)
    return _pattern(spec, operand) if operator in {"like", "ilike"} else operand


def _pattern(spec: FieldSpec, operand: str) -> str:
    try:
        return check_pattern(operand)
    except ValueError as error:
        raise ValueError(f"{spec.name!r}: {error}") from None


def _single(spec: FieldSpec, value: Any) -> Any:
    plain = value.value if isinstance(value, Enum) else value
    if plain is None:
        raise ValueError(f"{spec.name!r}: expected a value, got None")
    try:
        return from_json(spec, plain)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{spec.name!r}: {error}") from None
