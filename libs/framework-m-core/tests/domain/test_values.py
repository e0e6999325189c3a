"""Values: what JSON means for a field, and the bounds within which every store can hold it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from framework_m_core.domain.fields.json_form import json_encoders_of, to_json_form
from framework_m_core.domain.fields.kinds import STORED_KINDS
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import MAX_BYTES, InvalidValueError, from_json, normalize_value
from framework_m_testing.strategies import json_values, stored_values

KINDS = sorted(STORED_KINDS)
INT64 = 1 << 63


def _spec(kind: FieldKind, scale: int | None = None) -> FieldSpec:
    if kind is FieldKind.DECIMAL and scale is None:
        scale = 2
    return FieldSpec("x", kind, nullable=kind is FieldKind.JSON, scale=scale)


def test_what_links_to_nothing_is_told_what_a_link_is() -> None:
    """Names in links are resolved before; the linked DocType is not named, as not everybody knows of it."""
    with pytest.raises(InvalidValueError) as refused:
        from_json(replace(_spec(FieldKind.UUID), link="Task"), 7)
    assert (refused.value.code, refused.value.params) == ("wrong_type", {"type": "reference"})


@given(st.sampled_from(KINDS).map(_spec).flatmap(lambda spec: st.tuples(st.just(spec), stored_values(spec))))
def test_a_stored_value_comes_back_from_json_as_it_was(pair: tuple[FieldSpec, Any]) -> None:
    """As `http` encodes it, with numbers that have a point or exponent decoded as decimals."""
    spec, value = pair
    raw = json.loads(to_json(to_json_form(value, json_encoders_of((spec,)))), parse_float=Decimal)
    again = from_json(spec, raw)
    assert again == value
    assert value is None or isinstance(again, type(value))
    assert normalize_value(spec, again) == value


@given(json_values())
def test_bounding_json_twice_changes_nothing_and_shares_nothing(value: Any) -> None:
    once = normalize_value(_spec(FieldKind.JSON), value)
    assert normalize_value(_spec(FieldKind.JSON), once) == once == value
    if isinstance(value, (list, dict)):
        assert once is not value


@pytest.mark.parametrize("kind", KINDS)
def test_null_is_null_of_every_kind(kind: FieldKind) -> None:
    assert from_json(_spec(kind), None) is None
    assert normalize_value(_spec(kind), None) is None


def _each(kind: FieldKind, *raws: Any) -> Iterable[tuple[FieldKind, Any]]:
    return ((kind, raw) for raw in raws)


REFUSED: list[tuple[FieldKind, Any]] = [
    *_each(FieldKind.TEXT, 1, True, [], {}, "a\0b", "\ud800"),
    *_each(FieldKind.INTEGER, "1", True, Decimal("1.0"), 1.5, INT64, -INT64 - 1, 10**400),
    *_each(FieldKind.FLOAT, "1", True, None.__class__, Decimal("1e999"), 10**400, math.nan, math.inf),
    *_each(FieldKind.BOOLEAN, 0, 1, "true", []),
    *_each(FieldKind.DECIMAL, 1.5, True, "x", "", "NaN", "Infinity", "-sNaN", "1e16", 10**16, "0.001"),
    *_each(FieldKind.DECIMAL, "1e999999999", "1e-999999999", [], Decimal("9999999999999999.995")),
    *_each(FieldKind.UUID, "x", "", 7, "{}", [], "0" * 31),
    *_each(FieldKind.DATE, "2026-02-30", "2026-01-01T00:00:00", 20260101, "0000-01-01", "10000-01-01"),
    *_each(FieldKind.DATETIME, "2026-01-01T00:00:00", "2026-01-01", "now", 0, "0001-01-01T00:00:00+00:01"),
    *_each(FieldKind.DATETIME, "9999-12-31T23:59:59.999999-00:01", "2026-01-01T25:00:00Z"),
    *_each(FieldKind.BYTES, 1, "ä", "a", "=", "a_b-", "AAF=", [], "QUJD\n", "A" * (MAX_BYTES * 4 // 3 + 4)),
    *_each(FieldKind.JSON, "\0", {"\0": 1}, {"a": "\ud800"}, [INT64], math.nan, {1: 2}, object(), b"x"),
]


@pytest.mark.parametrize(("kind", "raw"), REFUSED, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(REFUSED)])
def test_what_no_store_could_hold_is_refused_with_what_was_expected(kind: FieldKind, raw: Any) -> None:
    with pytest.raises(InvalidValueError) as refused:
        from_json(_spec(kind), raw)
    assert refused.value.code in {"wrong_type", "out_of_bounds"}
    assert refused.value.params


@given(st.sampled_from(KINDS).map(_spec), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals() | st.floats(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2), max_leaves=4,
))  # fmt: skip
def test_anything_is_taken_or_refused_by_a_value_error(spec: FieldSpec, raw: Any) -> None:
    try:
        value = from_json(spec, raw)
    except ValueError:
        return
    assert normalize_value(spec, value) == value


@pytest.mark.parametrize(
    ("raw", "scale", "kept"),
    [
        ("1", 2, "1.00"), ("1.50", 2, "1.50"), (7, 0, "7"), ("-0", 2, "0.00"), ("1e2", 2, "100.00"),
        ("9999999999999999.99", 2, "9999999999999999.99"),
        ("0.12300", 3, "0.123"), ("-" + "9" * 18, 0, "-" + "9" * 18),
    ],
)  # fmt: skip
def test_decimals_are_padded_to_their_scale(raw: Any, scale: int, kept: str) -> None:
    assert str(from_json(_spec(FieldKind.DECIMAL, scale), raw)) == kept


@pytest.mark.parametrize(
    ("given_", "kept"),
    [("0.125", "0.12"), ("0.135", "0.14"), ("-0.125", "-0.12"), ("-0.001", "0.00"), ("1e-9", "0.00")],
)
def test_what_hooks_leave_is_rounded_half_even(given_: str, kept: str) -> None:
    assert str(normalize_value(_spec(FieldKind.DECIMAL), Decimal(given_), rounding=True)) == kept


def test_rounding_up_past_the_bound_is_refused() -> None:
    with pytest.raises(InvalidValueError) as refused:
        normalize_value(_spec(FieldKind.DECIMAL), Decimal("9999999999999999.995"), rounding=True)
    assert (refused.value.code, refused.value.params) == ("out_of_bounds", {"max_whole_digits": 16})


def test_moments_are_kept_in_utc_with_microseconds() -> None:
    spec = _spec(FieldKind.DATETIME)
    assert from_json(spec, "2026-01-31T12:00:00.123456+02:00") == datetime(2026, 1, 31, 10, 0, 0, 123456, UTC)
    east = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    assert normalize_value(spec, east).isoformat() == "2025-12-31T10:00:00+00:00"
    assert normalize_value(spec, datetime(1, 1, 2, tzinfo=timezone(timedelta(hours=14)))).tzinfo is UTC


def test_values_that_are_there_already_are_taken() -> None:
    now, id = datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1)
    values = {FieldKind.DATETIME: now, FieldKind.DATE: date(2026, 1, 1), FieldKind.UUID: id}
    assert {kind: from_json(_spec(kind), value) for kind, value in values.items()} == values


def test_json_is_nested_so_deep_and_no_deeper() -> None:
    def nested(depth: int) -> list[Any]:
        return [] if depth == 0 else [nested(depth - 1)]

    assert normalize_value(_spec(FieldKind.JSON), nested(31))
    with pytest.raises(InvalidValueError) as refused:
        normalize_value(_spec(FieldKind.JSON), nested(40))
    assert (refused.value.code, refused.value.params) == ("out_of_bounds", {"max_depth": 32})


def test_numbers_in_json_are_finite_and_large_whole_ones_are_exact() -> None:
    taken = from_json(_spec(FieldKind.JSON), [Decimal("1.5"), Decimal("1e17"), 1e300, -1.0, (1, 2)])
    assert taken == [1.5, 10**17, 1e300, -1.0, [1, 2]]
    assert [type(number) for number in taken[:4]] == [float, int, float, float]


def test_json_holds_a_bounded_number_of_values() -> None:
    """The list itself is one of them."""
    spec = FieldSpec("data", FieldKind.JSON)
    assert len(normalize_value(spec, [0] * 99_999)) == 99_999
    with pytest.raises(InvalidValueError) as refused:
        normalize_value(spec, [[0] * 50_000, {"deep": [0] * 50_000}])
    assert (refused.value.code, refused.value.params) == ("out_of_bounds", {"max_values": 100_000})


@pytest.mark.parametrize(("kind", "value"), [(FieldKind.FLOAT, -0.0), (FieldKind.JSON, [-0.0]), (FieldKind.JSON, -0.0)])
def test_zero_has_one_sign(kind: FieldKind, value: Any) -> None:
    """Stores differ in whether they keep the other; equal tags must mean equal bytes."""
    assert "-" not in repr(normalize_value(_spec(kind), value))
    assert "-" not in repr(from_json(_spec(kind), value))
