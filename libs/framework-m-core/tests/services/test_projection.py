"""What a caller is served: readable fields alone, in one order, whichever way a document was read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.reader import ChildSelection
from framework_m_core.services.queries.projection import (
    by_reference,
    cut,
    full_selection,
    names_of,
    not_found,
    projection,
    row_to_document,
    rows_to_documents,
    visible,
)

from .conftest import SHELF, THING, paths_of, stored_things

READABLE = st.frozensets(st.sampled_from(sorted({*THING.columns, *paths_of(THING)})))


@given(stored_things(), READABLE)
def test_a_row_read_and_a_document_stored_are_served_alike(known: dict[str, Any], readable: frozenset[str]) -> None:
    chosen = projection(THING, readable).chosen
    row = tuple(cut(part, known) for part in chosen)
    served = visible(THING, readable, known)
    assert row_to_document(chosen, row) == served
    assert rows_to_documents(chosen, [row, row]) == [served, served]
    assert list(served) == list(names_of(chosen))


@given(stored_things(), READABLE)
def test_what_may_not_be_read_is_not_served(known: dict[str, Any], readable: frozenset[str]) -> None:
    served = visible(THING, readable, known)
    assert served.keys() == (readable - {"deleted_at"}) & {*THING.columns, "slots"}
    columns = {"id", *(path.removeprefix("slots.") for path in readable if path.startswith("slots."))}
    assert all(row.keys() == columns for row in served.get("slots", ()))


@given(stored_things())
def test_the_full_selection_holds_all_of_a_document(known: dict[str, Any]) -> None:
    chosen = full_selection(THING)
    assert row_to_document(chosen, tuple(cut(part, known) for part in chosen)) == known


def test_a_document_without_rows_has_an_empty_list() -> None:
    chosen = ("name", ChildSelection("slots", ("id", "what")))
    assert rows_to_documents(chosen, [("a", None), ("b", [])]) == [
        {"name": "a", "slots": []},
        {"name": "b", "slots": []},
    ]


@pytest.mark.parametrize(("ref", "field"), [(UUID(int=7), "id"), ("T-1", "name")])
def test_a_reference_is_an_id_or_a_name(ref: UUID | str, field: str) -> None:
    assert by_reference(ref) == Comparison(field, "eq", ref)
    error = not_found(SHELF, ref)
    assert (error.message, error.details) == (f"there is no Shelf '{ref}'", {"doctype": "Shelf", "ref": str(ref)})


def test_an_error_repeats_no_more_of_a_reference_than_a_name_may_have() -> None:
    assert str(not_found(THING, "x" * 300)) == f"there is no Thing {'x' * 255!r}"
