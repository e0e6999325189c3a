"""Hypothesis strategies for declarations, the documents stored under them, and callers.

The columns are always the same, so that one schema serves every declaration. Everything that permissions depend on
varies: roles, scopes, `rls_field`, levels and their roles, read-only fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.permission_proof.declared import (
    CallerValue,
    Declared,
    DeclaredDocType,
    DeclaredField,
    Level,
    Scope,
    Stored,
    Tree,
    Who,
)
from tests.permission_proof.picking import pick, pick_some, seldom

__all__ = [
    "NOW",
    "PLAIN",
    "Setup",
    "callers",
    "declarations",
    "draw_document",
    "draw_value",
    "scope_filters",
    "setups",
    "stored_documents",
    "values_of_kind",
]

NOW: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
"""The time of every request; all documents were created earlier."""

_ROLES: Final = ("A", "B", "Guest", "All")
_ACTIONS: Final = ("read", "write", "create", "delete", "purge", "select")
_USERS: Final = tuple(UUID(int=number, version=4) for number in range(1, 4))
_TEAMS: Final = tuple(UUID(int=number, version=4) for number in range(11, 15))
_PAPERS: Final = tuple(UUID(int=number, version=4) for number in range(21, 31))

_ROW: Final = DeclaredDocType(
    "PaperRow",
    (
        DeclaredField("text", "text", nullable=False, default=""),
        DeclaredField("cost", "integer"),
        DeclaredField("team", "link", link="Team"),
    ),
    is_child=True,
)
PLAIN: Final[Declared] = {
    "User": DeclaredDocType("User", (DeclaredField("label", "text", nullable=False, default=""),)),
    "Team": DeclaredDocType(
        "Team",
        (
            DeclaredField("label", "text"),
            DeclaredField("code", "integer"),
            DeclaredField("region", "text"),
            DeclaredField("lead", "link", link="User"),
        ),
    ),
    "Paper": DeclaredDocType(
        "Paper",
        (
            DeclaredField("title", "text", nullable=False, default=""),
            DeclaredField("size", "integer"),
            DeclaredField("price", "decimal", nullable=False, default=Decimal("0.00")),
            DeclaredField("open", "boolean", nullable=False, default=False),
            DeclaredField("day", "date"),
            DeclaredField("region", "text"),
            DeclaredField("assignee", "link", link="User"),
            DeclaredField("team", "link", link="Team"),
            DeclaredField("team_label", "text", fetch="team.label", read_only=True),
            DeclaredField("second", "link", link="Team"),
            DeclaredField("rows", "rows", nullable=False, rows=_ROW),
            DeclaredField("amended_from", "link", link="Paper", read_only=True, is_framework=True),
        ),
        submittable=True,
    ),
}
"""The columns that all declarations share."""

_VALUES: Final[Mapping[str, Sequence[Any]]] = {
    "text": ("", "a", "b", "B", "ab", "a_"),
    "integer": (0, 1, 2, -1),
    "decimal": (Decimal("0.00"), Decimal("1.50"), Decimal("2.00")),
    "boolean": (False, True),
    "date": (date(2026, 1, 1), date(2026, 1, 2), date(2026, 2, 1)),
}
_ORDERED: Final = ("lt", "lte", "gt", "gte")
_OWNED: Final = frozenset({"region", "size", "assignee", "lead", "code"})
_IDS: Final = {"User": _USERS, "Team": _TEAMS, "Paper": _PAPERS}


@dataclass(frozen=True)
class Setup:
    """Declarations and the documents stored under them."""

    declared: Declared
    stored: Stored


@cache
def _values(kind: str, link: str | None) -> SearchStrategy[Any]:
    return st.sampled_from(_IDS[link] if link else _VALUES[kind])


def values_of_kind(field: DeclaredField) -> SearchStrategy[Any]:
    """Return a strategy for values of a field, few enough that they often coincide; links may have a target."""
    return _values(field.kind, field.link)


@cache
def scope_filters(name: str) -> SearchStrategy[Tree]:
    """Return a strategy for the filters of scopes, over documents of a DocType and the caller."""
    doctype = PLAIN[name]
    leaves = [_comparisons(one) for one in doctype.fields if not one.rows and not one.fetch]
    owned = _caller_comparisons("owner", ("id", "email"))
    status = st.builds(_compare, st.just("docstatus"), st.sampled_from(["eq", "ne"]), st.sampled_from([0, 1]))

    def branches(parts: SearchStrategy[Tree]) -> SearchStrategy[Tree]:
        several = st.lists(parts, min_size=1, max_size=2)
        return several.map(lambda p: {"and": p}) | several.map(lambda p: {"or": p}) | parts.map(lambda p: {"not": p})

    return st.recursive(st.one_of(*leaves, owned, status), branches, max_leaves=3)


def _compare(field: str, operator: str, value: Any) -> Tree:
    return {"field": field, "operator": operator, "value": value}


def _comparisons(field: DeclaredField) -> SearchStrategy[Tree]:
    values = values_of_kind(field)
    name = st.just(field.name)
    equal = st.builds(_compare, name, st.sampled_from(["eq", "ne"]), values)
    several = st.builds(_compare, name, st.sampled_from(["in", "not_in"]), st.lists(values, max_size=3))
    null = st.builds(_compare, name, st.just("is_null"), st.booleans())
    if field.kind == "link":
        return equal | several | null | _caller_comparisons(field.name, ("id", field.name))
    ordered = st.builds(_compare, name, st.sampled_from(_ORDERED), values)
    if field.kind == "text":
        searched = _caller_comparisons(field.name, ("email", field.name), (*_ORDERED, "contains", "starts_with"))
        return equal | ordered | several | null | _caller_comparisons(field.name, ("email", field.name)) | searched
    if field.kind == "integer":
        compared = _caller_comparisons(field.name, (field.name,), _ORDERED)
        return equal | ordered | several | null | _caller_comparisons(field.name, (field.name,)) | compared
    return equal | several | null


def _caller_comparisons(
    name: str, known: tuple[str, ...], operators: Sequence[str] = ("eq", "ne", "in", "not_in")
) -> SearchStrategy[Tree]:
    return st.builds(_compare, st.just(name), st.sampled_from(operators), st.sampled_from(known).map(CallerValue))


@st.composite
def declarations(draw: DrawFn) -> Declared:
    """Draw DocTypes with random permissions, field levels, `rls_field` and read-only fields."""
    drawn: dict[str, DeclaredDocType] = {}
    for name, doctype in PLAIN.items():
        drawn[name] = _declaration(draw, doctype, drawn)
    return drawn


def _declaration(draw: DrawFn, plain: DeclaredDocType, targets: Declared) -> DeclaredDocType:
    drawn = tuple(_field(draw, one, targets) for one in plain.fields)
    fields = tuple(_raise_level(one, drawn, targets) if one.fetch else one for one in drawn)
    if not plain.submittable and not plain.is_child:
        fields = tuple(replace(one, on_submit=False) for one in fields)
    made = replace(plain, fields=fields, levels=_levels(draw, fields))
    if plain.is_child:
        return made
    owned = [one.name for one in fields if one.name in _OWNED]
    made = replace(made, rls_field=pick(draw, ["owner", "owner", None, *owned]))
    return made if seldom(draw, 20) else replace(made, permissions=_permissions(draw, made))


def _raise_level(copy: DeclaredField, fields: tuple[DeclaredField, ...], targets: Declared) -> DeclaredField:
    """Return a fetched field with at least the level of its source, as the registry requires."""
    link, _, source = (copy.fetch or "").partition(".")
    target = next(one.link for one in fields if one.name == link) or ""
    return replace(copy, level=max(copy.level, *(one.level for one in targets[target].fields if one.name == source)))


def _field(draw: DrawFn, plain: DeclaredField, targets: Declared) -> DeclaredField:
    if plain.is_framework:
        return plain
    made = replace(plain, level=pick(draw, [0, 0, 0, 1, 2]), on_submit=draw(st.booleans()))
    if plain.rows:
        return replace(made, rows=_declaration(draw, plain.rows, targets))
    return replace(made, read_only=plain.read_only or seldom(draw, 8))


def _levels(draw: DrawFn, fields: tuple[DeclaredField, ...]) -> Mapping[int, Level]:
    used = sorted({one.level for one in fields} - {0})
    return {number: Level(_draw_most(draw, _ROLES), _draw_most(draw, _ROLES)) for number in used}


def _permissions(draw: DrawFn, doctype: DeclaredDocType) -> Mapping[str, tuple[str, ...] | Mapping[str, Scope]]:
    actions = (*_ACTIONS, *(("submit", "cancel", "amend") if doctype.submittable else ()))
    return {name: _given(draw, doctype) for name in actions if name == "read" or not seldom(draw, 8)}


def _given(draw: DrawFn, doctype: DeclaredDocType) -> tuple[str, ...] | Mapping[str, Scope]:
    roles = _draw_most(draw, _ROLES)
    if seldom(draw, 4):
        return roles
    return {role: _scope(draw, doctype) for role in roles}


def _draw_most(draw: DrawFn, roles: Sequence[str]) -> tuple[str, ...]:
    return tuple(role for role in roles if not seldom(draw, 3))


def _scope(draw: DrawFn, doctype: DeclaredDocType) -> Scope:
    word = pick(draw, ["filter", "all", "own"])
    if word == "filter" or (word == "own" and doctype.rls_field is None):
        return draw(scope_filters(doctype.name))
    return word


@st.composite
def stored_documents(draw: DrawFn, declared: Declared) -> Stored:
    """Draw documents of each DocType, some deleted, some submitted; links lead to live documents."""
    stored: dict[str, dict[UUID, dict[str, Any]]] = {}
    live: dict[str, list[UUID]] = {}
    for name, doctype in declared.items():
        ids = _IDS[name][: len(_IDS[name]) - seldom(draw, 2)]
        stored[name] = {id: draw_document(draw, doctype, id, number, live) for number, id in enumerate(ids)}
        live[name] = [id for id, document in stored[name].items() if document["deleted_at"] is None]
    return stored


def draw_document(
    draw: DrawFn, doctype: DeclaredDocType, id: UUID, number: int, live: Mapping[str, Sequence[UUID]]
) -> dict[str, Any]:
    """Draw one document; `live` has the ids that links may lead to."""
    is_deleted = seldom(draw, 4)
    status = pick(draw, [0, 0, 1, 2]) if doctype.submittable and not is_deleted else 0
    owner = pick(draw, [*map(str, _USERS), ""])
    made = NOW - timedelta(days=draw(st.integers(1, 3)))
    values = {field.name: draw_value(draw, field, number, live) for field in doctype.fields}
    unfetched = {one.name: None for one in doctype.fields if one.fetch and values[one.fetch.partition(".")[0]] is None}
    return {
        "id": id, "name": f"{doctype.name.lower()}-{number}", "owner": owner, "creation": made, "modified": made,
        "modified_by": owner, "docstatus": status, "_version": 1, "deleted_at": made if is_deleted else None,
        **values, **unfetched,
    }  # fmt: skip


def draw_value(draw: DrawFn, field: DeclaredField, number: int, live: Mapping[str, Sequence[UUID]]) -> Any:
    """Draw a field's value for the document of this number."""
    if field.rows:
        ids = [UUID(int=1000 + 10 * number + place, version=4) for place in range(draw(st.integers(0, 2)))]
        return [{"id": id, **{one.name: draw_value(draw, one, 0, live) for one in field.rows.fields}} for id in ids]
    known = live.get(field.link, ()) if field.link else _VALUES[field.kind]
    return pick(draw, [None, *known] if field.nullable else known)


@st.composite
def setups(draw: DrawFn) -> Setup:
    """Draw declarations with documents stored under them."""
    declared = draw(declarations())
    return Setup(declared, draw(stored_documents(declared)))


@st.composite
def callers(draw: DrawFn) -> Who:
    """Draw an anonymous caller, an administrator, or a user with any roles and attributes."""
    kind = pick(draw, ["user"] * 14 + ["anonymous", "administrator"])
    if kind == "anonymous":
        return Who("", frozenset({"Guest"}))
    administrator = ["Administrator"] if kind == "administrator" else []
    roles = frozenset(["Guest", *_draw_most(draw, ["A", "B"]), *administrator])
    sizes = tuple(pick_some(draw, ["1", "2", "x"], 2))
    known = {"region": tuple(pick_some(draw, _VALUES["text"], 2)), "size": sizes, "code": sizes}
    attributes = {name: values for name, values in known.items() if not seldom(draw, 8)}
    return Who(str(pick(draw, _USERS)), roles, pick(draw, ["", "a", "ab"]), attributes)
