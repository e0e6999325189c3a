"""Parsing of filters, with bounds, refusing fields that the caller may not read."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from framework_m_core.domain.documents.names import normalize_name, normalize_text
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import InvalidValueError, from_json
from framework_m_core.domain.filters.operators import TEXT_OPERATORS, operators_of
from framework_m_core.domain.filters.patterns import check_pattern
from framework_m_core.domain.filters.tree import EVERYTHING, OPERATORS, And, Comparison, Filter, Not, Or
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.links.names import read_link_name
from framework_m_core.services.queries.refusals import describe_kind, find_field, refuse, shorten

__all__ = [
    "MAX_COMPARISONS",
    "MAX_FILTER_DEPTH",
    "MAX_LIST_VALUES",
    "MAX_NODES",
    "MAX_SEARCHES",
    "MAX_TEXT_VALUE",
    "MAX_WILDCARDS",
    "parse_filters",
]

MAX_FILTER_DEPTH = 8
MAX_COMPARISONS = 50
MAX_NODES = 150
"""Comparisons and the lists and operators that group them."""

MAX_LIST_VALUES = 500
_MAX_VALUES = 1_000
MAX_TEXT_VALUE = 2_000
_MAX_PATTERN = 500
MAX_SEARCHES = 10
MAX_WILDCARDS = 6
_ROOT = "filters"


def parse_filters(plan: CompiledDocType, grant: Grant, filters: Any) -> Filter:
    """Parse filters as decoded from JSON. Raises QueryError at the path of what is wrong."""
    if filters is None or filters == []:
        return EVERYTHING
    return _FilterParser(plan, grant).parse(filters, _ROOT)


class _FilterParser:
    def __init__(self, plan: CompiledDocType, grant: Grant) -> None:
        self._plan = plan
        self._grant = grant
        self._nodes = 0
        self._comparisons = 0
        self._values = 0
        self._searches = 0

    def parse(self, node: Any, path: str, depth: int = 1) -> Filter:
        if depth > MAX_FILTER_DEPTH:
            raise refuse(_ROOT, "out_of_bounds", max_levels=MAX_FILTER_DEPTH)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise refuse(_ROOT, "out_of_bounds", max_nodes=MAX_NODES)
        if isinstance(node, list):
            return And(self._parts(node, path, depth))
        if isinstance(node, Mapping) and len(node) == 1 and "field" not in node:
            return self._branch(*next(iter(node.items())), path, depth)
        return self._comparison(node, path)

    def _parts(self, nodes: list[Any], path: str, depth: int) -> tuple[Filter, ...]:
        return tuple(self.parse(part, f"{path}.{place}", depth + 1) for place, part in enumerate(nodes))

    def _branch(self, word: Any, parts: Any, path: str, depth: int) -> Filter:
        if word in {"and", "or"} and isinstance(parts, list):
            branches = self._parts(parts, f"{path}.{word}", depth)
            return And(branches) if word == "and" else Or(branches)
        if word == "not" and isinstance(parts, Mapping):
            return Not(self.parse(parts, f"{path}.not", depth + 1))
        raise refuse(path, "wrong_type", type="branch", got=shorten({word: parts}))

    def _comparison(self, node: Any, path: str) -> Filter:
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise refuse(_ROOT, "out_of_bounds", max_comparisons=MAX_COMPARISONS)
        if not isinstance(node, Mapping) or node.keys() != {"field", "operator", "value"}:
            raise refuse(path, "wrong_type", type="comparison", got=shorten(node))
        spec = find_field(f"{path}.field", self._plan, self._grant, node["field"])
        operator = node["operator"]
        if operator not in OPERATORS:
            raise refuse(f"{path}.operator", "not_a_choice", choices=[*OPERATORS], got=shorten(operator))
        self._searches += operator in TEXT_OPERATORS
        if self._searches > MAX_SEARCHES:
            raise refuse(_ROOT, "out_of_bounds", max_searches=MAX_SEARCHES)
        operand = _operand(spec, operator, node["value"], path)
        if spec.name == "name" or spec.name == getattr(self._plan.naming, "field", None):
            operand = _as_names(operator, operand)
        self._values += len(operand) if isinstance(operand, tuple) else 1
        if self._values > _MAX_VALUES:
            raise refuse(_ROOT, "out_of_bounds", max_values_in_all=_MAX_VALUES)
        return Comparison(spec.name, operator, operand)


def _operand(spec: FieldSpec, operator: str, value: Any, path: str) -> Any:
    at = f"{path}.value"
    if operator == "is_null":
        if not isinstance(value, bool):
            raise refuse(at, "wrong_type", type="boolean", got=shorten(value))
        return value
    offered = operators_of(spec)
    if operator not in offered:
        raise refuse(
            f"{path}.operator", "unsupported_operator", operator=operator, field=spec.name, type=describe_kind(spec),
            choices=[*offered],
        )  # fmt: skip
    if operator == "has":
        return _single(_element(spec), operator, value, at)
    if operator in {"in", "not_in", "between"}:
        return _operand_list(spec, operator, value, at)
    return _single(spec, operator, value, at)


def _as_names(operator: str, operand: Any) -> Any:
    """Return names, or parts of them, in the form in which names are stored."""
    if isinstance(operand, tuple):
        return tuple(map(normalize_name, operand))
    if not isinstance(operand, str):
        return operand
    return normalize_text(operand) if operator in TEXT_OPERATORS else normalize_name(operand)


def _element(spec: FieldSpec) -> FieldSpec:
    """Return the spec of a list's elements."""
    return FieldSpec(spec.name, spec.items or FieldKind.TEXT)


def _operand_list(spec: FieldSpec, operator: str, value: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise refuse(path, "wrong_type", type="list", got=shorten(value))
    if len(value) > MAX_LIST_VALUES:
        raise refuse(path, "out_of_bounds", max_items=MAX_LIST_VALUES, count=len(value))
    if operator == "between" and len(value) != 2:
        raise refuse(path, "out_of_bounds", items=2, count=len(value))
    return tuple(_single(spec, operator, item, f"{path}.{place}") for place, item in enumerate(value))


def _single(spec: FieldSpec, operator: str, value: Any, path: str) -> Any:
    if value is None:
        raise refuse(path, "null_value", field=spec.name)
    if name := read_link_name(spec, value):
        _check_length(name.name, FieldKind.TEXT, MAX_TEXT_VALUE, path)
        return name
    parsed = _parse_value(spec, value, path)
    if spec.kind in {FieldKind.TEXT, FieldKind.BYTES}:
        _check_length(parsed, spec.kind, _MAX_PATTERN if operator in TEXT_OPERATORS else MAX_TEXT_VALUE, path)
    if operator not in {"like", "ilike"}:
        return parsed
    if parsed.count("%") > MAX_WILDCARDS:
        raise refuse(path, "out_of_bounds", max_wildcards=MAX_WILDCARDS, count=parsed.count("%"))
    try:
        return check_pattern(parsed)
    except ValueError:
        raise refuse(path, "bad_pattern") from None


def _parse_value(spec: FieldSpec, value: Any, path: str) -> Any:
    try:
        return from_json(spec, value)
    except InvalidValueError as error:
        raise refuse(path, error.code, _told(spec, error, value), **error.params) from None
    except (ValueError, OverflowError) as error:
        raise refuse(path, "invalid_value", _told(spec, error, value), field=spec.name) from None


def _told(spec: FieldSpec, error: Exception, value: Any) -> str:
    return f"{spec.name}: {error}, got {shorten(value)}"


def _check_length(value: Sized, kind: FieldKind, maximum: int, path: str) -> None:
    if len(value) > maximum:
        bound = "max_length" if kind is FieldKind.TEXT else "max_bytes"
        raise refuse(path, "out_of_bounds", **{bound: maximum, "count": len(value)})
