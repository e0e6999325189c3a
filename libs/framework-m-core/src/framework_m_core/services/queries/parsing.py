"""Parsing of list parameters, with bounds, refusing fields that the caller may not read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from framework_m_core.domain.errors import QueryError
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.filters.operators import is_sortable
from framework_m_core.domain.filters.tree import Comparison, Filter, comparisons_of
from framework_m_core.domain.messages import format_message
from framework_m_core.domain.page import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, MAX_SORT_FIELDS, OrderSpec, parse_order
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import ChildSelection
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.queries.filter_parsing import parse_filters
from framework_m_core.services.queries.refusals import describe_kind, find_field, refuse, refuse_unknown, shorten
from framework_m_core.services.rows.projection import select_child

__all__ = [
    "MAX_SORT_FIELDS",
    "ListRequest",
    "ParsedList",
    "parse_fields_parameter",
    "parse_list",
]

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
        raise refuse("cursor", "not_combinable", other="offset")
    if request.count not in {"none", "exact"}:
        raise refuse("count", "not_a_choice", choices=["none", "exact"], got=shorten(request.count))
    where = parse_filters(plan, grant, request.filters)
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
    params = {"min": minimum, "max": maximum, "got": given}
    return refuse(parameter, "out_of_bounds", format_message("out_of_bounds", params) + advice, **params)


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
            raise refuse_unknown("fields", plan, grant, name)
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
            raise refuse("order_by", "repeated_field", field=spec.name)
        order.append(OrderSpec(spec.name, descending=text.startswith("-")))
    if len(order) > MAX_SORT_FIELDS:
        raise refuse("order_by", "out_of_bounds", max_fields=MAX_SORT_FIELDS, count=len(order))
    return parse_order(names)


def _refuse_direction(plan: CompiledDocType, text: str, before: Sequence[OrderSpec]) -> None:
    """Raise QueryError with what to write for a direction in words, such as `title desc`."""
    found = _DIRECTION.fullmatch(text[:80])
    if found is None or text in plan.columns:
        return
    field = found["field"] or (before[-1].field if before else "title")
    meant = f"-{field}" if found["direction"].lower() == "desc" else field
    raise refuse("order_by", "bad_direction", got=shorten(text), meant=repr(meant))


def _sortable(plan: CompiledDocType, grant: Grant, name: str) -> FieldSpec:
    spec = find_field("order_by", plan, grant, name)
    if not is_sortable(spec):
        raise refuse("order_by", "not_sortable", field=name, type=describe_kind(spec))
    return spec
