"""Values of field types: canonical and within the bounds of their parts, from JSON and from hooks."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from framework_m_core.domain.fields.values import InvalidValueError, from_json, normalize_value
from framework_m_testing.harness import build_sample_registry
from framework_m_testing.samples.field_types import Amount

SPECS = build_sample_registry().get("Thing").fields


def test_a_value_is_padded_and_rounded_as_its_parts_are() -> None:
    assert str(from_json(SPECS["worth"], "1 EUR").value) == "1.00"
    assert str(normalize_value(SPECS["worth"], Amount(Decimal("1.125"), "EUR"), rounding=True).value) == "1.12"


@pytest.mark.parametrize(
    ("field", "value", "code", "params"),
    [
        ("worth", Amount(Decimal("1.125"), "EUR"), "out_of_bounds", {"max_decimal_places": 2}),
        ("worth", Amount(Decimal("1e16"), "EUR"), "out_of_bounds", {"max_whole_digits": 16}),
        ("worth", Amount(Decimal(1), "E\0"), "out_of_bounds", {"character": "NUL"}),
        ("worth", Amount(Decimal(1), "E" * 256), "too_long", {"max_length": 255, "part": "worth__currency"}),
        ("worth", Amount(None, "EUR"), "required", {"part": "worth__value"}),  # type: ignore[arg-type]
        ("span", timedelta(days=999_999_999), "out_of_bounds", {"bits": 64}),
    ],
)
def test_a_part_out_of_bounds_is_refused(field: str, value: Any, code: str, params: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError) as refused:
        normalize_value(SPECS[field], value)
    assert (refused.value.code, refused.value.params) == (code, params)


def test_a_value_of_another_class_is_left_to_pydantic() -> None:
    with pytest.raises(TypeError, match=r"\bAmount\b.*\bDecimal\b"):
        normalize_value(SPECS["worth"], Decimal(1))
