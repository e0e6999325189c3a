"""Parsing of list parameters, with bounds, refusing fields that the caller may not read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from framework_m_core.domain.documents.names import normalize_name, normalize_text
from framework_m_core.domain.errors import FieldError, QueryError
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import from_json
from framework_m_core.domain.filters.operators import ORDERING, TEXT_OPERATORS, is_sortable, operators_of
from framework_m_core.domain.filters.patterns import check_pattern
from framework_m_core.domain.filters.tree import EVERYTHING, OPERATORS, And, Comparison, Filter, Not, Or, comparisons_of
from framework_m_core.domain.page import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, MAX_SORT_FIELDS, OrderSpec, parse_order
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import ChildSelection
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.links.names import read_link_name
from framework_m_core.services.rows.projection import select_child

__all__ = [
    "MAX_COMPARISONS",
    "MAX_FILTER_DEPTH",
    "MAX_LIST_VALUES",
    "MAX_NODES",
    "MAX_SEARCHES",
    "MAX_SORT_FIELDS",
    "MAX_TEXT_VALUE",
    "MAX_WILDCARDS",
    "ListRequest",
    "ParsedList",
    "parse_fields_parameter",
    "parse_list",
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
_ALWAYS = ("id", "name", "_version")
_DIRECTION = re.compile(r"(?:(?P<field>\w+)[ :]+)?(?P<direction>asc|desc)", re.IGNORECASE)
"""How other systems write the direction of an order."""


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A list as requested; `filters` is decoded JSON, the other parameters are unparsed.

    Names may be given as one text, separated by commas.
    """

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    cursor: str | None = None
    filters: Any = None
    order_by: str | Sequence[str] = ()
    fields: str | Sequence[str] | None = None
    expand: str | Sequence[str] = ()
    count: str = "none"
    include_deleted: bool = False
    titles: bool = False
    default_filters: bool = False


@dataclass(frozen=True, slots=True)
class ParsedList:
    """A list request that has been checked and can be run."""

    where: Filter
    order_by: tuple[OrderSpec, ...]
    fields: tuple[str | ChildSelection, ...]
    expand: tuple[str, ...]
    limit: int
    offset: int
    count: bool
    include_deleted: bool
    default_filters: tuple[Comparison, ...]
    """The default filters of the DocType that act on the list; `where` does not hold them."""


def parse_list(
    plan: CompiledDocType, grant: Grant, request: ListRequest, default_order: tuple[OrderSpec, ...]
) -> ParsedList:
    """Parse a request and check it against a DocType and a grant. Raises QueryError."""
    if not 1 <= request.limit <= MAX_LIMIT:
        raise _out_of_bounds("limit", 1, MAX_LIMIT, request.limit)
    if not 0 <= request.offset <= MAX_OFFSET:
        raise _out_of_bounds("offset", 0, MAX_OFFSET, request.offset, "; use the cursor of the previous page")
    if request.offset and request.cursor:
        raise QueryError("expected an offset or a cursor, got both")
    if request.count not in {"none", "exact"}:
        raise QueryError(f"count: expected 'none' or 'exact', got {request.count!r}")
    where = _parse_filters(plan, grant, request.filters)
    return ParsedList(
        where=where,
        order_by=_parse_order(plan, grant, _names(request.order_by)) or _own_order(plan, grant) or default_order,
        fields=_list_fields(plan, grant, request),
        expand=tuple(_names(request.expand)),
        limit=request.limit,
        offset=request.offset,
        count=request.count == "exact",
        include_deleted=request.include_deleted,
        default_filters=_default_filters(plan, grant, where) if request.default_filters else (),
    )


def _own_order(plan: CompiledDocType, grant: Grant) -> tuple[OrderSpec, ...]:
    """Return the default order of a DocType up to the first field that the caller cannot read."""
    if not plan.default_order:
        return ()
    known = [*takewhile(lambda name: name.removeprefix("-") in grant.readable, plan.meta.order_by)]
    return plan.default_order if len(known) == len(plan.meta.order_by) else parse_order(known)


def _default_filters(plan: CompiledDocType, grant: Grant, where: Filter) -> tuple[Comparison, ...]:
    """Return the default filters of a DocType, without those by a field that a request filters by or cannot read.

    There are none for documents asked for by id or name, as links to them are shown.
    """
    if not plan.default_filters:
        return ()
    named = {one.field for one in comparisons_of(where)}
    if not named.isdisjoint(("id", "name")):
        return ()
    return tuple(one for one in plan.default_filters if one.field in grant.readable and one.field not in named)


def _names(given: str | Sequence[str]) -> Sequence[str]:
    return given.split(",") if isinstance(given, str) else given


def _out_of_bounds(parameter: str, minimum: int, maximum: int, given: int, advice: str = "") -> QueryError:
    error = FieldError(parameter, "out_of_bounds", params={"min": minimum, "max": maximum, "got": given})
    return QueryError(f"{parameter}: {error.message}{advice}", [error])


def _list_fields(plan: CompiledDocType, grant: Grant, request: ListRequest) -> tuple[str | ChildSelection, ...]:
    deleted = ("deleted_at",) if request.include_deleted else ()
    if request.fields is not None:
        chosen = parse_fields_parameter(plan, grant, _names(request.fields))
    else:
        chosen = tuple(name for name in plan.columns if name in grant.readable and name != "deleted_at")
    return (*chosen, *deleted)


def parse_fields_parameter(
    plan: CompiledDocType, grant: Grant, names: Sequence[str]
) -> tuple[str | ChildSelection, ...]:
    """Return the selection of a `fields` parameter, always with `id`, `name` and `_version`.

    Raises QueryError for anything other than readable fields and child tables.
    """
    chosen: list[str | ChildSelection] = list(_ALWAYS)
    for name in dict.fromkeys(names):
        if name not in grant.readable or "." in name or name == "deleted_at":
            raise _unknown(name, plan, grant)
        if name in plan.children:
            chosen.append(select_child(plan, name, grant.readable))
        elif name not in _ALWAYS:
            chosen.append(name)
    return tuple(chosen)


def _parse_order(plan: CompiledDocType, grant: Grant, names: Sequence[str]) -> tuple[OrderSpec, ...]:
    order: list[OrderSpec] = []
    for text in names:
        _refuse_direction(plan, text, order)
        spec = _sortable(plan, grant, text.removeprefix("-"))
        if any(known.field == spec.name for known in order):
            raise QueryError(f"order_by names {spec.name!r} twice")
        order.append(OrderSpec(spec.name, descending=text.startswith("-")))
    if len(order) > MAX_SORT_FIELDS:
        raise QueryError(f"order_by: expected at most {MAX_SORT_FIELDS} fields, got {len(order)}")
    return parse_order(names)


def _refuse_direction(plan: CompiledDocType, text: str, before: Sequence[OrderSpec]) -> None:
    """Raise QueryError with what to write for a direction in words, such as `title desc`."""
    found = _DIRECTION.fullmatch(text[:80])
    if found is None or text in plan.columns:
        return
    field = found["field"] or (before[-1].field if before else "title")
    meant = f"-{field}" if found["direction"].lower() == "desc" else field
    raise QueryError(
        f"order_by: expected a field, or '-' and a field for descending order, got {text!r}: write {meant!r}"
    )


def _sortable(plan: CompiledDocType, grant: Grant, name: str) -> FieldSpec:
    spec = _field(plan, grant, name)
    if not is_sortable(spec):
        raise QueryError(f"order_by: expected a sortable field, got {name!r}, which holds {_kind(spec)}")
    return spec


def _field(plan: CompiledDocType, grant: Grant, name: Any) -> FieldSpec:
    if not isinstance(name, str) or name not in grant.readable or name not in plan.columns or name == "deleted_at":
        whole = name.partition(".")[0] if isinstance(name, str) else ""
        if whole in grant.readable and whole in plan.columns and plan.specs[whole].field_type:
            raise QueryError(f"{name[:80]!r}: a part of {_kind(plan.specs[whole])} cannot be named, only {whole!r}")
        if whole in plan.children and whole == name and whole in grant.readable:
            raise QueryError(f"{name!r} holds rows, which filters and orders cannot compare")
        raise _unknown(name, plan, grant)
    return plan.specs[name]


def _kind(spec: FieldSpec) -> str:
    """Return the word for what a field holds."""
    return spec.field_type.name if spec.field_type else "JSON" if spec.kind is FieldKind.JSON else spec.kind


def _unknown(name: object, plan: CompiledDocType, grant: Grant) -> QueryError:
    known = ", ".join(sorted(field for field in grant.readable if "." not in field and field != "deleted_at"))
    return QueryError(f"{plan.name} has no field {str(name)[:80]!r} that you can read: expected one of {known}")


class _FilterParser:
    def __init__(self, plan: CompiledDocType, grant: Grant) -> None:
        self._plan = plan
        self._grant = grant
        self._nodes = 0
        self._comparisons = 0
        self._values = 0
        self._searches = 0

    def parse(self, node: Any, depth: int = 1) -> Filter:
        if depth > MAX_FILTER_DEPTH:
            raise QueryError(f"filters: expected at most {MAX_FILTER_DEPTH} levels")
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise QueryError(f"filters: expected at most {MAX_NODES} comparisons and lists of them, got more")
        if isinstance(node, list):
            return And(tuple(self.parse(part, depth + 1) for part in node))
        if isinstance(node, Mapping) and len(node) == 1 and "field" not in node:
            return self._branch(*next(iter(node.items())), depth)
        return self._comparison(node)

    def _branch(self, word: str, parts: Any, depth: int) -> Filter:
        if word in {"and", "or"} and isinstance(parts, list):
            branches = tuple(self.parse(part, depth + 1) for part in parts)
            return And(branches) if word == "and" else Or(branches)
        if word == "not" and isinstance(parts, Mapping):
            return Not(self.parse(parts, depth + 1))
        raise QueryError(f"filters: {str(word)[:80]!r}: expected 'and' or 'or' with a list, or 'not' with a filter")

    def _comparison(self, node: Any) -> Filter:
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise QueryError(f"filters: expected at most {MAX_COMPARISONS} comparisons")
        if not isinstance(node, Mapping) or node.keys() != {"field", "operator", "value"}:
            raise QueryError('filters: expected objects like {"field": "status", "operator": "eq", "value": "Open"}')
        spec = _field(self._plan, self._grant, node["field"])
        operator = node["operator"]
        if operator not in OPERATORS:
            raise QueryError(f"filters: operator {str(operator)[:80]!r}: expected one of {', '.join(OPERATORS)}")
        self._searches += operator in TEXT_OPERATORS
        if self._searches > MAX_SEARCHES:
            raise QueryError(f"filters: expected at most {MAX_SEARCHES} comparisons that search in text")
        operand = _operand(spec, operator, node["value"])
        if spec.name == "name" or spec.name == getattr(self._plan.naming, "field", None):
            operand = _as_names(operator, operand)
        self._values += len(operand) if isinstance(operand, tuple) else 1
        if self._values > _MAX_VALUES:
            raise QueryError(f"filters: expected at most {_MAX_VALUES} values in total")
        return Comparison(spec.name, operator, operand)


def _parse_filters(plan: CompiledDocType, grant: Grant, filters: Any) -> Filter:
    if filters is None or filters == []:
        return EVERYTHING
    return _FilterParser(plan, grant).parse(filters)


def _operand(spec: FieldSpec, operator: str, value: Any) -> Any:
    if operator == "is_null":
        if not isinstance(value, bool):
            raise QueryError("filters: 'is_null' expects true or false")
        return value
    if operator == "has":
        return _single(_element(spec), operator, value)
    if spec.kind is FieldKind.JSON:
        known = "'is_null' and 'has'" if spec.items else "'is_null'"
        raise QueryError(f"filters: {operator!r} cannot compare the list or JSON in {spec.name!r}; use {known}")
    if operator in TEXT_OPERATORS and spec.kind is not FieldKind.TEXT:
        raise QueryError(f"filters: {operator!r} needs a text field, {spec.name!r} is {_kind(spec)}")
    if operator not in (offered := operators_of(spec)):
        why = "needs a sortable field" if operator in ORDERING else "is not supported"
        raise QueryError(
            f"filters: {operator!r} {why}, {spec.name!r} is {_kind(spec)}: expected one of {', '.join(offered)}"
        )
    if operator in {"in", "not_in", "between"}:
        return _operand_list(spec, operator, value)
    return _single(spec, operator, value)


def _as_names(operator: str, operand: Any) -> Any:
    """Return names, or parts of them, in the form in which names are stored."""
    if isinstance(operand, tuple):
        return tuple(map(normalize_name, operand))
    if not isinstance(operand, str):
        return operand
    return normalize_text(operand) if operator in TEXT_OPERATORS else normalize_name(operand)


def _element(spec: FieldSpec) -> FieldSpec:
    """Return the spec of a list's elements. Raises QueryError unless they are texts or integers."""
    if spec.items is None:
        raise QueryError(f"filters: 'has' needs a list of texts or integers, {spec.name!r} is {spec.kind}")
    return FieldSpec(spec.name, spec.items)


def _operand_list(spec: FieldSpec, operator: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > MAX_LIST_VALUES:
        raise QueryError(f"filters: {operator!r} expects a list of at most {MAX_LIST_VALUES} values")
    if operator == "between" and len(value) != 2:
        raise QueryError("filters: 'between' expects a list of two values")
    return tuple(_single(spec, operator, item) for item in value)


def _single(spec: FieldSpec, operator: str, value: Any) -> Any:
    if value is None:
        raise QueryError("filters: a comparison with null is never true: use 'is_null'")
    if name := read_link_name(spec, value):
        _check_length(spec, FieldKind.TEXT, name.name, MAX_TEXT_VALUE)
        return name
    try:
        parsed: Any = from_json(spec, value)
    except (ValueError, OverflowError) as error:
        raise QueryError(f"filters: {spec.name!r}: {error}") from None
    maximum = _MAX_PATTERN if operator in TEXT_OPERATORS else MAX_TEXT_VALUE
    if spec.kind in {FieldKind.TEXT, FieldKind.BYTES}:
        _check_length(spec, spec.kind, parsed, maximum)
    if operator in {"like", "ilike"} and parsed.count("%") > MAX_WILDCARDS:
        raise QueryError(f"filters: expected a pattern with at most {MAX_WILDCARDS} '%' wildcards")
    return check_pattern(parsed) if operator in {"like", "ilike"} else parsed


def _check_length(spec: FieldSpec, kind: FieldKind, value: Sized, maximum: int) -> None:
    if len(value) > maximum:
        unit = "characters" if kind is FieldKind.TEXT else "bytes"
        raise QueryError(f"filters: {spec.name!r}: expected at most {maximum} {unit}, got {len(value)}")
