"""Bodies: what is taken of them, that an echo changes nothing, and that all errors come at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.interfaces.permission import Grant
from framework_m_core.services.documents.changes import compare_values
from framework_m_core.services.documents.merging import read_creation, read_expected_version, update_values
from framework_m_core.services.rows.projection import select_readable
from framework_m_testing.strategies import documents

from .conftest import SHELF, THING, errors_by_field, full_grant, grant_of, paths_of, stored, stored_things, travelled

FULL = full_grant(THING)
ROW = {"what": "bolt", "amount": Decimal("1.000"), "shelf": None}
KNOWN = stored(
    THING, text="a", note=None, number=1, price=Decimal("2.00"), tags=["x"], slots=[ROW, {**ROW, "what": "nut"}]
)
FIRST, SECOND = (str(row["id"]) for row in KNOWN["slots"])
FIELDS = sorted({*THING.columns, *paths_of(THING)})


def _update(body: Mapping[str, Any], grant: Grant = FULL) -> dict[str, Any]:
    return update_values(THING, grant, lambda: select_readable(THING, grant.readable, KNOWN), KNOWN, body)


def _refused(body: Mapping[str, Any], grant: Grant = FULL) -> Mapping[str, str]:
    with pytest.raises(ValidationError) as refused:
        _update(body, grant)
    return errors_by_field(refused.value)


@given(stored_things(), st.sets(st.sampled_from(FIELDS)), st.sets(st.sampled_from(sorted(paths_of(THING)))))
def test_what_was_served_and_is_put_back_changes_nothing(
    known: dict[str, Any], readable: set[str], writable: set[str]
) -> None:
    served = select_readable(THING, frozenset(readable), known)
    values = update_values(THING, grant_of(readable, writable), lambda: served, known, travelled(served))
    assert compare_values(THING, known, {**known, **values}) == {}
    assert values.keys() <= writable


@given(documents(THING))
def test_what_is_created_is_what_was_given(values: dict[str, Any]) -> None:
    taken, name = read_creation(THING, FULL, travelled(values))
    assert (taken, name) == (values, None)


@given(stored_things(), documents(THING))
def test_an_update_takes_every_field_that_is_given(known: dict[str, Any], values: dict[str, Any]) -> None:
    served = select_readable(THING, FULL.readable, known)
    taken = update_values(THING, FULL, lambda: served, known, travelled(values))
    assert taken == values


def test_fields_that_are_not_given_stay_as_they_are() -> None:
    assert _update({"number": 2}) == {"number": 2}
    assert _update({}) == {}


def test_what_is_served_is_asked_for_only_where_a_field_may_be_an_echo() -> None:
    def served() -> Mapping[str, Any]:
        raise AssertionError("nothing here needs it")

    assert update_values(THING, FULL, served, KNOWN, {"number": 2, "_version": 1}) == {"number": 2}


@pytest.mark.parametrize("field", ["text", "number", "price", "slots", "owner", "creation", "docstatus", "id"])
def test_another_value_for_what_one_may_only_read_is_refused(field: str) -> None:
    grant = grant_of({"text", "number", "price", "slots", "slots.what", *THING.columns})
    echo = travelled(select_readable(THING, grant.readable, KNOWN))
    other = {"slots": [], "docstatus": 2, "number": 2, "price": "2.01"}.get(field, "another")
    assert _update(echo, grant) == {}
    assert _refused({**echo, field: other}, grant) == {field: "not_writable"}


def test_an_echo_may_be_spelt_otherwise() -> None:
    grant = grant_of(THING.columns)
    assert _update({"price": "2", "creation": "2026-01-31T13:00:00+01:00", "id": str(KNOWN["id"]).upper()}, grant) == {}


@pytest.mark.parametrize("guess", [1, 2])
def test_a_hidden_value_cannot_be_guessed(guess: int) -> None:
    assert _refused({"number": guess}, grant_of({"text"}, {"text"})) == {"number": "unknown_field"}


def test_a_field_that_may_be_written_and_not_read_is_taken() -> None:
    assert _update({"number": 5}, grant_of((), {"number"})) == {"number": 5}


def test_all_errors_come_at_once() -> None:
    grant = grant_of(
        {"owner", "text", "number", "price", "slots", "slots.what"}, {"number", "price", "slots", "slots.what"}
    )
    body = {
        "owner": "eve", "text": "b", "tetx": "c", "number": "1", "price": "0.001",
        "slots": [{"id": FIRST, "what": 5}, {"what": 6, "amount": 1}, 7],
    }  # fmt: skip
    assert _refused(body, grant) == {
        "owner": "not_writable", "text": "not_writable", "tetx": "unknown_field", "number": "wrong_type",
        "price": "out_of_bounds", "slots.0.what": "wrong_type", "slots.1.amount": "unknown_field",
        "slots.1.what": "wrong_type", "slots.2": "wrong_type",
    }  # fmt: skip


def test_child_tables_are_refused_in_the_order_of_their_declaration() -> None:
    names = ["slots", "bins", "racks", "crates", "boxes", "pallets"]
    children = {name: dataclasses.replace(THING.children["slots"], field=name) for name in names}
    plan, known = dataclasses.replace(THING, children=children), {name: list[Any]() for name in names}
    with pytest.raises(ValidationError) as refused:
        update_values(plan, grant_of(names, names), lambda: known, known, {name: [7] for name in reversed(names)})
    assert [error.field for error in refused.value.errors] == [f"{name}.0" for name in names]


@pytest.mark.parametrize(("readable", "params"), [(("note",), {"suggestion": "note"}), ((), {})])
def test_a_misspelt_field_is_told_what_was_meant_of_what_may_be_seen(
    readable: tuple[str, ...], params: dict[str, str]
) -> None:
    with pytest.raises(ValidationError) as refused:
        _update({"noet": 1}, grant_of(readable))
    assert refused.value.errors == (FieldError("noet", "unknown_field", params=params),)


def test_rows_are_kept_changed_added_and_removed_by_their_ids() -> None:
    [changed, added] = _update({"slots": [{"id": SECOND, "amount": "3"}, {"what": "new"}]})["slots"]
    assert changed == {"id": UUID(SECOND), "what": "nut", "amount": Decimal("3.000"), "shelf": None}
    assert added == {"what": "new"}
    assert _update({"slots": []}) == {"slots": []}


def test_rows_come_in_the_order_given() -> None:
    assert [row["what"] for row in _update({"slots": [{"id": SECOND}, {"id": FIRST}]})["slots"]] == ["nut", "bolt"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"id": str(UUID(int=999))}], {"slots.0.id": "unknown_row"}),
        ([{"id": FIRST}, {"id": FIRST}], {"slots.1.id": "unknown_row"}),
        ([{"id": "first"}], {"slots.0.id": "unknown_row"}),
        ([{"id": None}], {"slots.0.id": "unknown_row"}),
        ([{"weight": 1}], {"slots.0.weight": "unknown_field"}),
        (["bolt"], {"slots.0": "wrong_type"}),
        ({"0": {"what": "x"}}, {"slots": "wrong_type"}),
        (None, {"slots": "wrong_type"}),
        ([{}] * 10_001, {"slots": "out_of_bounds"}),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_taken(rows: Any, expected: dict[str, str]) -> None:
    assert _refused({"slots": rows}) == expected


def test_hidden_fields_of_rows_stay_and_read_only_ones_may_be_echoed() -> None:
    grant = grant_of({"slots", "slots.what"}, {"slots", "slots.shelf"})
    [row] = _update({"slots": [{"id": FIRST, "what": "bolt", "shelf": None}]}, grant)["slots"]
    assert row == KNOWN["slots"][0]
    assert _refused({"slots": [{"id": FIRST, "what": "nut"}]}, grant) == {"slots.0.what": "not_writable"}
    assert _refused({"slots": [{"id": FIRST, "amount": "1.000"}]}, grant) == {"slots.0.amount": "unknown_field"}
    assert _refused({"slots": [{"what": "bolt"}]}, grant) == {"slots.0.what": "not_writable"}


@pytest.mark.parametrize(
    "rows",
    [
        [{"id": FIRST, "what": "bolt"}],
        [{"id": SECOND, "what": "nut"}, {"id": FIRST, "what": "bolt"}],
        [{"id": FIRST, "what": "bolt"}, {"id": SECOND, "what": "screw"}],
        [{"id": FIRST, "what": "bolt"}, {"id": SECOND, "amount": "1"}],
        [{"id": FIRST, "what": "bolt"}, 5],
        5,
    ],
)
def test_rows_that_one_may_only_read_are_echoed_whole_or_refused(rows: Any) -> None:
    grant = grant_of({"slots", "slots.what"})
    assert _update({"slots": [{"id": FIRST, "what": "bolt"}, {"id": SECOND}]}, grant) == {}
    assert _refused({"slots": rows}, grant) == {"slots": "not_writable"}


def test_errors_of_very_many_rows_are_told_up_to_a_bound() -> None:
    assert 100 <= len(_refused({"slots": [{"what": 5, "amount": "x"}] * 1_000})) <= 110


def test_a_body_of_too_many_fields_is_refused_as_one() -> None:
    body = {str(number): 1 for number in range(1_001)}
    with pytest.raises(ValidationError) as refused:
        _update(body)
    assert refused.value.errors == (FieldError("*", "out_of_bounds", params={"max_fields": 1_000, "count": 1_001}),)
    assert _refused({"slots": [body]}) == {"slots.0": "out_of_bounds"}


def test_a_create_takes_no_framework_fields_whatever_they_hold() -> None:
    with pytest.raises(ValidationError) as refused:
        read_creation(THING, FULL, {"id": str(UUID(int=5)), "owner": "ada", "_version": 0, "name": "T-1"})
    assert errors_by_field(refused.value) == dict.fromkeys(("id", "owner", "_version", "name"), "not_writable")


def test_a_name_is_taken_where_the_doctype_asks_for_one() -> None:
    grant = full_grant(SHELF)
    assert read_creation(SHELF, grant, {"label": "L", "name": "S-1"}) == ({"label": "L"}, "S-1")
    assert read_creation(SHELF, grant, {"label": "L"}) == ({"label": "L"}, None)
    with pytest.raises(ValidationError) as refused:
        read_creation(SHELF, grant, {"label": "L", "name": 5})
    assert errors_by_field(refused.value) == {"name": "wrong_type"}


def test_missing_fields_are_told_with_other_errors() -> None:
    with pytest.raises(ValidationError) as refused:
        read_creation(SHELF, full_grant(SHELF), {"lable": "L", "name": 5})
    assert errors_by_field(refused.value) == {"lable": "unknown_field", "name": "wrong_type", "label": "required"}


def test_the_expected_version_is_an_integer_or_not_stated() -> None:
    assert (read_expected_version({"_version": 3}), read_expected_version({})) == (3, None)


@pytest.mark.parametrize("version", ["3", True, Decimal(3), [3], None])
def test_an_expected_version_of_another_type_is_refused(version: object) -> None:
    with pytest.raises(ValidationError) as refused:
        read_expected_version({"_version": version})
    assert errors_by_field(refused.value) == {"_version": "wrong_type"}
