"""The sample DocTypes with stored documents of them, and grants by lists of fields."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from pydantic_core import to_json

from framework_m_core.domain.fields.json_form import to_json_form
from framework_m_core.domain.filters.tree import EVERYTHING
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_testing.harness import build_sample_registry
from framework_m_testing.strategies import documents

REGISTRY = build_sample_registry()
THING = REGISTRY.get("Thing")
SHELF = REGISTRY.get("Shelf")
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def grant_of(readable: Iterable[str] = (), writable: Iterable[str] = (), **others: Any) -> Grant:
    """A grant for some fields, on all documents unless stated."""
    return Grant(
        **{"scopes": (EVERYTHING,), "rule": "a test", **others},
        readable=frozenset(readable),
        writable=frozenset(writable),
    )


def paths_of(plan: CompiledDocType) -> frozenset[str]:
    """The declared fields, those of child rows as `slots.what`."""
    rows = (f"{child.field}.{name}" for child in plan.children.values() for name in child.fields)
    return frozenset((*plan.fields, *rows))


def full_grant(plan: CompiledDocType) -> Grant:
    """Everything may be read, and every declared field written."""
    return grant_of({*plan.columns, *paths_of(plan)}, paths_of(plan))


def stored(plan: CompiledDocType, **values: Any) -> dict[str, Any]:
    """A stored document: values of declared fields, None for the others, and the framework's own; rows get ids."""
    stamps = {"creation": NOW, "modified": NOW, "owner": "ada", "modified_by": "ada", "docstatus": 0, "_version": 1}
    nothing = dict.fromkeys(plan.columns)
    document = {**nothing, "id": UUID(int=7), "name": "T-1", **stamps, **values}
    for field in plan.children:
        document[field] = [{"id": UUID(int=100 + n), **row} for n, row in enumerate(document.get(field, ()))]
    return document


def stored_things() -> st.SearchStrategy[dict[str, Any]]:
    """Any stored things."""
    return documents(THING).map(lambda values: stored(THING, **values))


def travelled(value: Any) -> Any:
    """What a client sends that sends what it got: encoded and decoded as `http` does."""
    return json.loads(to_json(to_json_form(value, THING.json_encoders)), parse_float=Decimal)


def errors_by_field(error: Any) -> Mapping[str, str]:
    """The codes of a validation error by field."""
    return {one.field: one.code for one in error.errors}
