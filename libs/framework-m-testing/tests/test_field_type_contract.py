"""The contract of field types: the sample types meet it, and types that would store something else do not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from framework_m_core.domain.fields.field_type import Part
from framework_m_core.domain.fields.kinds import FieldKind
from framework_m_testing.field_type_contract import FieldTypeContract
from framework_m_testing.samples.field_types import Amount, AmountType, SpanType


class TestAmount(FieldTypeContract):
    field_type = AmountType()


class TestSpan(FieldTypeContract):
    field_type = SpanType()


class _SpanAsText(SpanType):
    """Sorted as text, ten comes before nine."""

    parts = (Part("", FieldKind.TEXT),)

    def to_parts(self, value: timedelta) -> tuple[Any, ...]:
        return (str(value // timedelta(microseconds=1)),)

    def from_parts(self, parts: tuple[Any, ...]) -> timedelta:
        return timedelta(microseconds=int(parts[0]))


class _LossySpan(SpanType):
    """Keeps whole seconds alone."""

    def to_parts(self, value: timedelta) -> tuple[Any, ...]:
        return (value // timedelta(seconds=1),)

    def from_parts(self, parts: tuple[Any, ...]) -> timedelta:
        return timedelta(seconds=parts[0])

    def from_json(self, raw: Any) -> timedelta:
        return super().from_json(raw) + timedelta(microseconds=1)


class _CarelessAmount(AmountType):
    """Takes for granted that it gets text."""

    def from_json(self, raw: Any) -> Amount:
        return super().from_json(raw if isinstance(raw, Amount) else raw.strip())


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (_SpanAsText(), FieldTypeContract.test_the_order_of_sortable_values_is_that_of_their_part),
        (_LossySpan(), FieldTypeContract.test_a_stored_value_comes_back),
        (_CarelessAmount(), FieldTypeContract.test_anything_else_is_refused_by_a_value_error),
    ],
)
async def test_a_type_that_breaks_its_word_is_found(broken: Any, test: Callable[[Any], Awaitable[None]]) -> None:
    values = st.integers(0, 20).map(lambda number: timedelta(microseconds=number))
    chosen = {"values": values} if isinstance(broken, SpanType) else {}
    contract = type("Broken", (FieldTypeContract,), {"field_type": broken, **chosen})()
    with pytest.raises((AssertionError, AttributeError, ExceptionGroup, ValueError)):
        await test(contract)
