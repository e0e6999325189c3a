"""Hypothesis strategies for stored values, documents, filter trees and orders of a DocType, including the bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from framework_m_core.domain.fields.spec import DECIMAL_DIGITS, FieldKind, FieldSpec
from framework_m_core.domain.fields.values import from_json, normalize_value
from framework_m_core.domain.filters.operators import is_sortable, operators_of
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["custom_values", "documents", "filters", "json_values", "orders", "patterns", "stored_values", "texts"]

_INT64 = 1 << 63
_JSON = FieldSpec("", FieldKind.JSON)
_LETTERS = "aAbBzZ09 %_\\'\"\n\té☃\uffff😀İKß"
"""Wildcards and escapes; letters that case folding beyond ASCII would change; both sides of the surrogates."""

_SMALL = st.integers(-3, 3)
_INTEGERS = _SMALL | st.sampled_from([-_INT64, _INT64 - 1]) | st.integers(-_INT64, _INT64 - 1)
_FLOATS = _SMALL.map(float) | st.floats(allow_nan=False, allow_infinity=False)
_DAYS = st.sampled_from([date.min, date(2024, 2, 29), date(2026, 1, 1), date(2026, 1, 2), date.max])


def texts() -> SearchStrategy[str]:
    """Return a strategy for short texts that often coincide, including the empty one, and others without NUL."""
    anything = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5)
    return st.text(st.sampled_from("aA%_\\"), max_size=3) | st.text(st.sampled_from(_LETTERS), max_size=4) | anything


def patterns() -> SearchStrategy[str]:
    """Return a strategy for `like` patterns in which every backslash escapes a character."""
    tokens = st.sampled_from(["%", "_", "\\%", "\\_", "\\\\", "\\a", *"aAbé😀İ%_"])
    return st.lists(tokens, max_size=5).map("".join)


def json_values(depth: int = 3) -> SearchStrategy[Any]:
    """Return a strategy for JSON that documents can hold: 64-bit integers, finite numbers, texts, lists, objects."""
    numbers = _FLOATS.map(lambda number: normalize_value(_JSON, number))
    plain = st.none() | st.booleans() | _INTEGERS | numbers | texts()
    return st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
        max_leaves=2 * depth,
    )


def stored_values(spec: FieldSpec) -> SearchStrategy[Any]:
    """Return a strategy for values of a scalar field, few enough that comparisons often match."""
    if spec.choices:
        values: SearchStrategy[Any] = st.sampled_from(spec.choices)
    elif spec.enum:
        values = st.sampled_from([member.value for member in spec.enum])
    else:
        values = _VALUES[spec.kind](spec)
    return st.none() | values if spec.nullable else values


def custom_values(spec: FieldSpec) -> SearchStrategy[Any]:
    """Return a strategy for values of a field type, from its schema's examples and from what its parts can hold."""
    field_type = spec.field_type
    if field_type is None:
        raise ValueError(f"expected a field of a field type, got the kind {spec.kind}")
    examples = [from_json(spec, raw) for raw in field_type.json_schema()["examples"]]
    known = zip(*map(field_type.to_parts, examples), strict=True)
    columns = [replace(column, nullable=False) for column in spec.parts]
    parts = [st.sampled_from(some) | stored_values(column) for some, column in zip(known, columns, strict=True)]
    return st.sampled_from(examples) | st.tuples(*parts).map(lambda values: _of_parts(spec, values, examples[0]))


def _of_parts(spec: FieldSpec, parts: tuple[Any, ...], otherwise: Any) -> Any:
    """Return the value of parts if the field type takes it back from JSON, else another one."""
    if spec.field_type is None:
        return otherwise
    try:
        return from_json(spec, spec.field_type.to_json(spec.field_type.from_parts(parts)))
    except (ValueError, ArithmeticError):
        return otherwise


def documents(plan: CompiledDocType, **chosen: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy for stored values of a DocType's own fields, child rows as dictionaries without ids.

    Links are None, so that no target is needed, unless `chosen` has a strategy for the field.
    """
    fields = {name: chosen.get(name) or _field(spec) for name, spec in plan.fields.items() if spec.is_scalar}
    rows = {
        name: st.lists(
            st.fixed_dictionaries({column: _field(spec) for column, spec in child.fields.items()}), max_size=3
        )
        for name, child in plan.children.items()
    }
    return st.fixed_dictionaries({**fields, **rows})


def _field(spec: FieldSpec) -> SearchStrategy[Any]:
    return st.none() if spec.link else stored_values(spec)


def _decimals(spec: FieldSpec) -> SearchStrategy[Decimal]:
    scale, maximum = spec.scale or 0, 10**DECIMAL_DIGITS - 1
    units = st.integers(-5, 5) | st.sampled_from([maximum, -maximum, 10**scale]) | st.integers(-maximum, maximum)
    return units.map(lambda number: Decimal(number).scaleb(-scale))


def _datetimes(_: FieldSpec) -> SearchStrategy[datetime]:
    near = st.integers(-1, 3).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=n))
    bounds = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    return near | st.sampled_from(bounds)


def _json_of(spec: FieldSpec) -> SearchStrategy[Any]:
    """Return a strategy for JSON fields: lists of texts or integers, or an object of anything."""
    if spec.items:
        return st.lists(_VALUES[spec.items](FieldSpec(spec.name, spec.items)), max_size=3)
    return st.dictionaries(texts(), json_values(), max_size=3)


_VALUES: Mapping[FieldKind, Callable[[FieldSpec], SearchStrategy[Any]]] = {
    FieldKind.TEXT: lambda spec: texts(),
    FieldKind.INTEGER: lambda spec: _INTEGERS,
    FieldKind.FLOAT: lambda spec: _FLOATS,
    FieldKind.BOOLEAN: lambda spec: st.booleans(),
    FieldKind.DATETIME: _datetimes,
    FieldKind.DATE: lambda spec: _DAYS,
    FieldKind.DECIMAL: _decimals,
    FieldKind.UUID: lambda spec: st.uuids(version=4),
    FieldKind.JSON: _json_of,
    FieldKind.BYTES: lambda spec: st.binary(max_size=5),
    FieldKind.CUSTOM: custom_values,
}


def filters(plan: CompiledDocType, *, only: Iterable[str] = ()) -> SearchStrategy[Filter]:
    """Return a strategy for nested filters over a DocType's scalar fields, or `only` some, with all their operators."""
    wanted = frozenset(only) or plan.fields.keys()
    specs = [spec for spec in plan.fields.values() if spec.is_scalar and spec.name in wanted]
    comparisons = st.one_of([_comparisons(spec) for spec in specs])

    def branches(parts: SearchStrategy[Filter]) -> SearchStrategy[Filter]:
        several = st.lists(parts, max_size=3).map(tuple)
        return several.map(And) | several.map(Or) | parts.map(Not)

    return st.recursive(comparisons, branches, max_leaves=6)


def _comparisons(spec: FieldSpec) -> SearchStrategy[Filter]:
    known = stored_values(spec).filter(lambda value: value is not None)
    several = st.lists(known, max_size=5).map(tuple)
    values: Mapping[str, SearchStrategy[Any]] = {
        "is_null": st.booleans(),
        **({"has": _VALUES[spec.items](spec)} if spec.items else {}),
        "in": several,
        "not_in": several,
        "between": st.tuples(known, known),
        **dict.fromkeys(("contains", "starts_with"), texts()),
        **dict.fromkeys(("like", "ilike"), patterns()),
    }
    return st.one_of([_asks(spec, operator, values.get(operator, known)) for operator in operators_of(spec)])


def _asks(spec: FieldSpec, operator: Any, values: SearchStrategy[Any]) -> SearchStrategy[Filter]:
    return st.builds(Comparison, st.just(spec.name), st.just(operator), values)


def orders(plan: CompiledDocType) -> SearchStrategy[list[str]]:
    """Return a strategy for `order_by` lists of up to three fields, including the framework's."""
    names = [name for name in plan.columns if is_sortable(plan.specs[name]) and name != "deleted_at"]
    signed = st.tuples(st.sampled_from(["", "-"]), st.sampled_from(names))
    return st.lists(signed, max_size=3, unique_by=lambda pair: pair[1]).map(lambda pairs: ["".join(p) for p in pairs])
