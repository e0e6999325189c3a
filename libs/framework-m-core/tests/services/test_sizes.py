"""The bound on the bytes of a page: how wide a row can be, and how many rows fit."""

from __future__ import annotations

import math

import pytest

from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT
from framework_m_core.services.rows.sizes import PAGE_BYTES, count_fitting, measure_widest_row

from .conftest import THING

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
