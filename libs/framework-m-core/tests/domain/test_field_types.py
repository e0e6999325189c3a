"""Values of field types: canonical and within the bounds of their parts, from JSON and from hooks."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from framework_m_core.domain.fields.values import bounded, from_json
from framework_m_testing.harness import sample_registry
from framework_m_testing.sample_field_types import Amount

SPECS = sample_registry().get("Thing").fields


def test_a_value_is_padded_and_rounded_as_its_parts_are() -> None:
    assert str(from_json(SPECS["worth"], "1 EUR").value) == "1.00"
    assert str(bounded(SPECS["worth"], Amount(Decimal("1.125"), "EUR"), rounding=True).value) == "1.12"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("worth", Amount(Decimal("1.125"), "EUR"), "at most 2 decimal places"),
        ("worth", Amount(Decimal("1e16"), "EUR"), "16 digits before the point"),
        ("worth", Amount(Decimal(1), "E\0"), "without NUL"),
        ("worth", Amount(Decimal(1), "E" * 256), "expected at most 255 characters in worth__currency"),
        ("worth", Amount(None, "EUR"), "expected a value for worth__value"),  # type: ignore[arg-type]
        ("span", timedelta(days=999_999_999), "64 bits"),
    ],
)
def test_a_part_out_of_bounds_is_refused(field: str, value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        bounded(SPECS[field], value)


def test_a_value_of_another_class_is_left_to_pydantic() -> None:
    with pytest.raises(TypeError, match="expected Amount, got Decimal"):
        bounded(SPECS["worth"], Decimal(1))
