"""Field types of a package, one of which takes a port, with an action and options of its own for DocTypes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

from pydantic import BaseModel

from framework_m_core.spi import Action, ExtNamespace, FieldKind, FieldType, Part

AMOUNT = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,2})?", re.ASCII)
MICROSECOND = timedelta(microseconds=1)
MAX_DURATION = timedelta(days=36_500)


class Currencies(Protocol):
    """What currencies there are."""

    def exists(self, code: str) -> bool:
        """Return whether a currency has this code."""
        ...


class KnownCurrencies:
    """A few of them."""

    def exists(self, code: str) -> bool:
        """Return whether the code is one of three."""
        return code in {"EUR", "USD", "INR"}


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency."""

    amount: Decimal
    currency: str


class MoneyType(FieldType[Money]):
    """Money, stored as an amount and a currency."""

    name = "money"
    python_type = Money
    parts = (Part("amount", FieldKind.DECIMAL, scale=2), Part("currency", FieldKind.TEXT))
    operators = frozenset({"eq", "ne"})
    widget = "money"
    currencies: Currencies

    def json_schema(self) -> Mapping[str, Any]:
        """Return the schema of an object of amount and currency."""
        return {
            "type": "object",
            "properties": {
                "amount": {"type": "string", "format": "decimal"},
                "currency": {"type": "string", "minLength": 3, "maxLength": 3},
            },
            "required": ["amount", "currency"],
            "additionalProperties": False,
            "examples": [{"amount": "12.50", "currency": "EUR"}, {"amount": "7.00", "currency": "USD"}],
        }

    def to_parts(self, value: Money) -> tuple[Any, ...]:
        """Return amount and currency."""
        return value.amount, value.currency

    def from_parts(self, parts: tuple[Any, ...]) -> Money:
        """Return money."""
        return Money(*parts)

    def to_json(self, value: Money) -> Any:
        """Return amount and currency by name."""
        return {"amount": f"{value.amount:.2f}", "currency": value.currency}

    def from_json(self, raw: Any) -> Money:
        """Return money of a known currency."""
        if isinstance(raw, Money):
            return raw
        expected = 'money is expected, such as {"amount": "12.50", "currency": "EUR"}'
        if not isinstance(raw, Mapping) or raw.keys() != {"amount", "currency"}:
            raise ValueError(expected)
        amount, currency = raw["amount"], raw["currency"]
        if not isinstance(amount, str) or not AMOUNT.fullmatch(amount) or not isinstance(currency, str):
            raise ValueError(expected)
        if not self.currencies.exists(currency):
            raise ValueError(f"a known currency is expected, got {currency[:3]!r}")
        return Money(Decimal(amount), currency)


class DurationType(FieldType[timedelta]):
    """Durations, stored as microseconds, whose order is theirs, and sent as seconds."""

    name = "duration"
    python_type = timedelta
    parts = (Part("", FieldKind.INTEGER),)
    operators = frozenset({"eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "between"})
    sortable = True
    widget = "duration"

    def json_schema(self) -> Mapping[str, Any]:
        """Return the schema of a number of seconds."""
        return {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{6}$", "examples": ["90.000000", "0.500000"]}

    def to_parts(self, value: timedelta) -> tuple[Any, ...]:
        """Return the number of microseconds."""
        return (value // MICROSECOND,)

    def from_parts(self, parts: tuple[Any, ...]) -> timedelta:
        """Return so many microseconds."""
        return timedelta(microseconds=parts[0])

    def to_json(self, value: timedelta) -> str:
        """Return seconds with six places."""
        whole, rest = divmod(abs(value) // MICROSECOND, 1_000_000)
        return f"{'-' if value < timedelta(0) else ''}{whole}.{rest:06}"

    def from_json(self, raw: Any) -> timedelta:
        """Return so many seconds."""
        if isinstance(raw, timedelta):
            return raw
        if not isinstance(raw, str) or not re.fullmatch(r"-?[0-9]{1,10}\.[0-9]{6}", raw, re.ASCII):
            raise ValueError("seconds with six places are expected, such as 90.000000")
        value = timedelta(microseconds=int(raw.replace(".", "")))
        if abs(value) > MAX_DURATION:
            raise ValueError(f"at most {MAX_DURATION.days} days are expected")
        return value


class DocTypeOptions(BaseModel):
    """What a DocType says under `ext["acme"]`."""

    ledger: str
    posts: bool = True


class FieldOptions(BaseModel):
    """What a field says under `ext["acme"]`."""

    account: int


APPROVE = Action("approve", label="Approve")
ACME = ExtNamespace("acme", doctype=DocTypeOptions, field=FieldOptions)
