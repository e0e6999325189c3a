"""Sample field types: one of two parts, and one that keeps the order of its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from framework_m_core.domain.fields.field_type import FieldType, Part
from framework_m_core.domain.fields.kinds import FieldKind
from framework_m_core.registry.extensions import Extensions

__all__ = ["SAMPLE_EXTENSIONS", "Amount", "AmountType", "SpanType"]

_CURRENCY: Final = re.compile("[A-Z]{3}")
_UNIT: Final = timedelta(microseconds=1)
_MAX_DURATION: Final = timedelta(days=100_000)


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money in a currency."""

    value: Decimal
    currency: str


class AmountType(FieldType[Amount]):
    """Amounts of money, stored as two columns and compared as a whole."""

    name = "amount"
    python_type = Amount
    parts = (Part("value", FieldKind.DECIMAL, scale=2), Part("currency", FieldKind.TEXT))
    operators = frozenset({"eq", "ne"})

    def json_schema(self) -> Mapping[str, Any]:
        """Return the schema: a text of number and currency."""
        return {"type": "string", "pattern": "^-?[0-9]+([.][0-9]+)? [A-Z]{3}$", "examples": ["12.50 EUR"]}

    def to_parts(self, value: Amount) -> tuple[Any, ...]:
        """Return value and currency."""
        return value.value, value.currency

    def from_parts(self, parts: tuple[Any, ...]) -> Amount:
        """Return the amount."""
        return Amount(*parts)

    def to_json(self, value: Amount) -> str:
        """Return the amount as text."""
        return f"{value.value:f} {value.currency}"

    def from_json(self, raw: Any) -> Amount:
        """Return the amount that a text states."""
        if isinstance(raw, Amount):
            return raw
        value, _, currency = raw.partition(" ") if isinstance(raw, str) else ("", "", "")
        if not re.fullmatch(r"-?[0-9]{1,20}([.][0-9]{1,20})?", value, re.ASCII) or not _CURRENCY.fullmatch(currency):
            raise ValueError("expected an amount with its currency, such as 12.50 EUR")
        return Amount(Decimal(value), currency)


class SpanType(FieldType[timedelta]):
    """Spans of time, stored as whole microseconds and sent as seconds."""

    name = "span"
    python_type = timedelta
    parts = (Part("", FieldKind.INTEGER),)
    operators = frozenset({"eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "between"})
    sortable = True
    widget = "span"

    def json_schema(self) -> Mapping[str, Any]:
        """Return the schema: a number of microseconds."""
        return {"type": "integer", "description": "Microseconds.", "examples": [1_500_000]}

    def to_parts(self, value: timedelta) -> tuple[Any, ...]:
        """Return the number of microseconds."""
        return (value // _UNIT,)

    def from_parts(self, parts: tuple[Any, ...]) -> timedelta:
        """Return the span of so many microseconds."""
        return timedelta(microseconds=parts[0])

    def to_json(self, value: timedelta) -> int:
        """Return the number of microseconds."""
        return value // _UNIT

    def from_json(self, raw: Any) -> timedelta:
        """Return the span of so many microseconds."""
        if isinstance(raw, timedelta):
            return raw
        if not isinstance(raw, int) or isinstance(raw, bool) or abs(raw) > _MAX_DURATION // _UNIT:
            raise ValueError("expected a number of microseconds, of at most 100000 days")
        return timedelta(microseconds=raw)


SAMPLE_EXTENSIONS: Final = Extensions((AmountType(), SpanType()))
"""The extensions of a registry of the sample DocTypes."""
