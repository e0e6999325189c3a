"""The bound on the bytes of a page: how wide a row can be, and how many rows fit."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.fields.sizes import VALUE_BYTES, bytes_of
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT
from framework_m_core.interfaces.reader import ChildSelection
from framework_m_core.services.rows.sizes import PAGE_BYTES, count_fitting, measure_row, measure_widest_row

from .conftest import THING

_ID, _DAY = UUID(int=1), date(2030, 1, 1)
LONG_TEXT = "\U0001f600" * MAX_INDEXED_TEXT


@pytest.mark.parametrize("field", ["name", "owner", *THING.indexed_text])
def test_a_bounded_text_may_have_characters_of_four_bytes(field: str) -> None:
    assert len(LONG_TEXT.encode()) <= measure_widest_row(THING, (field,)) < math.inf


@pytest.mark.parametrize(("fields", "maximum"), [(("id", "creation", "docstatus"), 500), ((), 0)])
def test_scalars_are_narrow(fields: tuple[str, ...], maximum: int) -> None:
    assert measure_widest_row(THING, fields) <= maximum


def test_what_nothing_limits_has_no_bound() -> None:
    assert measure_widest_row(THING, ("id", "extra")) == math.inf


@pytest.mark.parametrize(
    ("sizes", "number"),
    [([], 1), ([PAGE_BYTES], 1), ([PAGE_BYTES + 1, 1], 1), ([1, PAGE_BYTES - 1, 1], 2), ([1, 1, 1], 3)],
)
def test_a_page_ends_before_the_row_that_does_not_fit(sizes: list[int], number: int) -> None:
    assert count_fitting(sizes) == number


@pytest.mark.parametrize("value", [0, 2**60, True, 0.5, Decimal("1.50"), _ID, _DAY, None, "", b""])
def test_what_has_no_length_counts_as_every_value(value: Any) -> None:
    assert bytes_of(value) == VALUE_BYTES


@pytest.mark.parametrize(("value", "length"), [("aä", 3), (b"abc", 3), ([1, "a"], 7), ({"a": None}, 10)])
def test_a_length_counts_besides(value: Any, length: int) -> None:
    assert bytes_of(value) == VALUE_BYTES + length


@pytest.mark.parametrize("number", [0, 1, 1_000])
def test_rows_count_by_their_values(number: int) -> None:
    chosen = ("number", ChildSelection("slots", ("id", "amount")))
    assert measure_row(THING, chosen, (1, [(_ID, Decimal(1))] * number)) == VALUE_BYTES * (1 + 2 * number)
