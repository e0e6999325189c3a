"""What a caller is served: readable fields alone, in one order, whichever way a document was read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.reader import ChildSelection
from framework_m_core.services.rows.projection import (
    by_reference,
    compile_projection,
    convert_row,
    convert_rows,
    extract_part,
    make_not_found,
    names_of,
    select_readable,
    select_stored_fields,
)
from tests.errors import assert_names

from .conftest import SHELF, THING, paths_of, stored_things

READABLE = st.frozensets(st.sampled_from(sorted({*THING.columns, *paths_of(THING)})))


@given(stored_things(), READABLE)
def test_a_row_read_and_a_document_stored_are_served_alike(known: dict[str, Any], readable: frozenset[str]) -> None:
    chosen = compile_projection(THING, readable).chosen
    row = tuple(extract_part(part, known) for part in chosen)
    served = select_readable(THING, readable, known)
    assert convert_row(chosen, row) == served
    assert convert_rows(chosen, [row, row]) == [served, served]
    assert list(served) == list(names_of(chosen))


@given(stored_things(), READABLE)
def test_what_may_not_be_read_is_not_served(known: dict[str, Any], readable: frozenset[str]) -> None:
    served = select_readable(THING, readable, known)
    assert served.keys() == (readable - {"deleted_at"}) & {*THING.columns, "slots"}
    columns = {"id", *(path.removeprefix("slots.") for path in readable if path.startswith("slots."))}
    assert all(row.keys() == columns for row in served.get("slots", ()))


@given(stored_things())
def test_the_full_selection_holds_all_of_a_document(known: dict[str, Any]) -> None:
    chosen = select_stored_fields(THING)
    assert convert_row(chosen, tuple(extract_part(part, known) for part in chosen)) == known


def test_a_document_without_rows_has_an_empty_list() -> None:
    chosen = ("name", ChildSelection("slots", ("id", "what")))
    assert convert_rows(chosen, [("a", None), ("b", [])]) == [
        {"name": "a", "slots": []},
        {"name": "b", "slots": []},
    ]


@pytest.mark.parametrize(("ref", "field"), [(UUID(int=7), "id"), ("T-1", "name")])
def test_a_reference_is_an_id_or_a_name(ref: UUID | str, field: str) -> None:
    assert by_reference(ref) == Comparison(field, "eq", ref)
    error = make_not_found(SHELF, ref)
    assert error.details == {"doctype": "Shelf", "ref": str(ref)}
    assert_names(error, "Shelf", f"'{ref}'")


def test_an_error_repeats_no_more_of_a_reference_than_a_name_may_have() -> None:
    error = make_not_found(THING, "x" * 300)
    assert_names(error, "Thing", repr("x" * 255))
    assert "x" * 256 not in str(error)
