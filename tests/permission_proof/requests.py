"""Hypothesis strategies for requests: any verb on any document, with permitted and forbidden fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.permission_proof.bodies import as_json
from tests.permission_proof.declared import FRAMEWORK, DeclaredDocType, DeclaredField, Request
from tests.permission_proof.generators import PLAIN, Setup, values_of_kind
from tests.permission_proof.picking import pick, pick_some, seldom

__all__ = ["requests"]

_VERBS: Final = (
    *["get", "list", "update"] * 3, "create", "create", "submit", "cancel", "amend", "delete", "purge", "restore",
)  # fmt: skip
_NOBODYS: Final = ("deleted_at", "nothing", "rows.text")
_UNKNOWN: Final = UUID(int=99, version=4)
_ORDERED: Final = ("id", "name", "owner", "creation", "docstatus", "_version")


@st.composite
def requests(draw: DrawFn, setup: Setup) -> Request:
    """Draw a request for documents of a world."""
    doctype = pick(draw, ["Paper", "Paper", "Paper", "Team", "User"])
    declared, verb = setup.declared[doctype], pick(draw, _VERBS)
    if verb == "list":
        return Request(verb, doctype, query=_list_query(draw, declared))
    if verb == "create":
        return Request(verb, doctype, body=_body(draw, declared, {}))
    document = pick(draw, [*setup.stored[doctype].values()])
    ref = pick(draw, [document["id"]] * 6 + [document["name"], _UNKNOWN])
    if verb == "get":
        return Request(verb, doctype, ref, query=_get_query(draw, declared))
    body = _body(draw, declared, document) if verb == "update" or (verb == "amend" and seldom(draw, 3)) else {}
    if verb in {"update", "submit", "cancel", "amend", "restore"} and seldom(draw, 3):
        body = {**body, "_version": pick(draw, [1, 1, 2])}
    return Request(verb, doctype, ref, body)


def _names(declared: DeclaredDocType) -> list[str]:
    """Return field names to draw from, mostly the DocType's own."""
    return [*(one.name for one in declared.fields)] * 4 + [*FRAMEWORK, *_NOBODYS]


def _get_query(draw: DrawFn, declared: DeclaredDocType) -> Mapping[str, Any]:
    if seldom(draw, 2):
        return {}
    return {"fields": _field_list(draw, declared), "expand": _expand(draw, declared)}


def _field_list(draw: DrawFn, declared: DeclaredDocType) -> list[str] | None:
    return None if seldom(draw, 2) else pick_some(draw, _names(declared), 2)


def _expand(draw: DrawFn, declared: DeclaredDocType) -> list[str]:
    links = [one.name for one in declared.fields if one.link]
    return pick_some(draw, [*links * 4, "owner"], 2) if seldom(draw, 3) else []


def _list_query(draw: DrawFn, declared: DeclaredDocType) -> Mapping[str, Any]:
    sortable = [one.name for one in declared.fields if not one.rows] * 2 + [*_ORDERED, "nothing", "deleted_at"]
    trees = draw(st.integers(0, 2)) if seldom(draw, 2) else 0
    return {
        "limit": draw(st.integers(1, 4)),
        "offset": pick(draw, [0, 0, 0, 1, 3]),
        "filters": [draw(_filters(declared.name)) for _ in range(trees)],
        "order_by": [pick(draw, ["", "-"]) + name for name in pick_some(draw, sortable, 2)],
        "fields": _field_list(draw, declared),
        "expand": _expand(draw, declared),
        "count": pick(draw, ["none", "exact"]),
        "include_deleted": seldom(draw, 4),
    }


@cache
def _filters(name: str) -> SearchStrategy[Mapping[str, Any]]:
    own = [_comparisons(one) for one in PLAIN[name].fields if not one.rows]
    texts = st.sampled_from(["", "a", "paper-1", "team-0", str(UUID(int=1, version=4))])
    status = _comparison("docstatus", st.just("eq"), st.integers(0, 2))
    framework = [status, *(_comparison(name, st.just("eq"), texts) for name in ("owner", "name"))]
    unknown = [_comparison(name, st.just("is_null"), st.booleans()) for name in (*_NOBODYS, "rows")]

    def branches(parts: SearchStrategy[Mapping[str, Any]]) -> SearchStrategy[Mapping[str, Any]]:
        several = st.lists(parts, max_size=2)
        return several.map(lambda p: {"and": p}) | several.map(lambda p: {"or": p}) | parts.map(lambda p: {"not": p})

    return st.recursive(st.one_of(*own, *own, *framework, *unknown), branches, max_leaves=3)


def _comparison(
    name: str, operators: SearchStrategy[str], values: SearchStrategy[Any]
) -> SearchStrategy[Mapping[str, Any]]:
    return st.fixed_dictionaries({"field": st.just(name), "operator": operators, "value": values})


def _comparisons(field: DeclaredField) -> SearchStrategy[Mapping[str, Any]]:
    values = values_of_kind(field).map(as_json)
    equal = _comparison(field.name, st.sampled_from(["eq", "ne"]), values)
    several = _comparison(field.name, st.sampled_from(["in", "not_in"]), st.lists(values, max_size=3))
    null = _comparison(field.name, st.just("is_null"), st.booleans())
    if field.kind in {"link", "boolean"}:
        return equal | several | null
    ordered = _comparison(field.name, st.sampled_from(["lt", "lte", "gt", "gte"]), values)
    between = _comparison(field.name, st.just("between"), st.lists(values, min_size=2, max_size=2))
    if field.kind != "text":
        return equal | several | null | ordered | between
    searched = _comparison(field.name, st.sampled_from(["contains", "starts_with"]), values)
    patterns = st.sampled_from(["%", "a%", "%B", "_", "a\\_", ""])
    return (
        equal
        | several
        | null
        | ordered
        | between
        | searched
        | _comparison(field.name, st.sampled_from(["like", "ilike"]), patterns)
    )


def _body(draw: DrawFn, declared: DeclaredDocType, document: Mapping[str, Any]) -> dict[str, Any]:
    """Draw a body of some fields with new values or echoes of stored ones, rarely with a field nobody may set."""
    chosen = pick_some(draw, declared.fields, 3)
    body = {one.name: _given(draw, one, document) for one in chosen}
    if seldom(draw, 12):
        name = pick(draw, [*(one for one in FRAMEWORK if one != "_version"), "nothing"])
        body[name] = as_json(document.get(name)) if draw(st.booleans()) else "x"
    return body


def _given(draw: DrawFn, field: DeclaredField, document: Mapping[str, Any]) -> Any:
    if field.rows:
        return _row_list(draw, field.rows, document.get(field.name, []))
    if document and seldom(draw, 3):
        return as_json(document[field.name])
    return pick(draw, [None, {}]) if seldom(draw, 20) else as_json(draw(values_of_kind(field)))


def _row_list(draw: DrawFn, declared: DeclaredDocType, stored: Sequence[Mapping[str, Any]]) -> Any:
    kept = [row for row in stored if not seldom(draw, 4)]
    rows = [{"id": as_json(row["id"]), **_row_values(draw, declared, row)} for row in kept]
    rows += [_row_values(draw, declared, {}) for _ in range(seldom(draw, 3))]
    return [*rows, {"id": str(_UNKNOWN)}] if seldom(draw, 10) else rows


def _row_values(draw: DrawFn, declared: DeclaredDocType, row: Mapping[str, Any]) -> dict[str, Any]:
    values = {}
    for one in pick_some(draw, declared.fields, 2):
        is_echo = bool(row) and seldom(draw, 2)
        values[one.name] = as_json(row[one.name] if is_echo else draw(values_of_kind(one)))
    return values
