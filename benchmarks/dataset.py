"""The documents that every contender holds, made from their number alone.

Row `i` is the same for all, so a check needs no look into anybody's tables: it knows what was stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

__all__ = [
    "BUSINESS_COLUMNS",
    "CUSTOMER_NAMES",
    "INVOICE_PATH",
    "ITEM_NAMES",
    "LISTED_STATUS",
    "ORDER_PATH",
    "OWNERS",
    "PAGE",
    "PUT_PREFIX",
    "UPDATABLE_ROWS",
    "VARIANTS",
    "Order",
    "as_json",
    "business",
    "change_body",
    "expected_page",
    "invoice_body",
    "invoice_total",
    "orders",
    "updatable",
]

ORDER_PATH = "/api/v1/SalesOrder"
INVOICE_PATH = "/api/v1/Invoice"
OWNERS = tuple(f"user{n}@bench.example" for n in range(10))
PAGE = 20
VARIANTS = 50
UPDATABLE_ROWS = 1_000
PUT_PREFIX = "PUT-"
LISTED_STATUS = "Open"
CUSTOMER_NAMES = tuple(f"CUST-{n:03d}" for n in range(20))
ITEM_NAMES = tuple(f"ITEM-{n:03d}" for n in range(50))

_STATUSES = (LISTED_STATUS, "Draft", "To Deliver", "To Bill", "Closed")
_UPDATABLE_STATUS = "Hold"  # never listed, so that a page stays the same while PUT runs
_START = datetime(2024, 1, 1, tzinfo=UTC)
_START_MS = int(_START.timestamp() * 1000)

_FIXED_COLUMNS = {"docstatus": 0, "_version": 1, "deleted_at": None}

BUSINESS_COLUMNS = (
    "customer",
    "title",
    "status",
    "priority",
    "company",
    "currency",
    "qty",
    "rate",
    "amount",
    "posting_date",
    "is_paid",
    "notes",
)
_ORDER_COLUMNS = frozenset(
    ("id", "name", "owner", "creation", "modified", "modified_by", *_FIXED_COLUMNS, *BUSINESS_COLUMNS)
)


@dataclass(frozen=True, slots=True)
class Order:
    """A stored order: the columns that every contender's table has."""

    id: UUID
    name: str
    owner: str
    creation: datetime
    modified: datetime
    business: dict[str, Any]

    def column(self, name: str) -> Any:
        """The value for a column of a contender's table."""
        if name in self.business:
            return self.business[name]
        if name in _FIXED_COLUMNS:
            return _FIXED_COLUMNS[name]
        return self.owner if name == "modified_by" else getattr(self, name)

    @staticmethod
    def has_column(name: str) -> bool:
        """Whether `column` knows it."""
        return name in _ORDER_COLUMNS

    @staticmethod
    def essential_columns() -> tuple[str, ...]:
        """What a table must have to be an order's."""
        return ("id", "name", "owner", "creation", "modified", "_version", *BUSINESS_COLUMNS)


def business(number: int) -> dict[str, Any]:
    """The business columns of row `number`; they repeat every `VARIANTS` rows."""
    return _variant(number % VARIANTS)


@cache
def _variant(variant: int) -> dict[str, Any]:
    rate = Decimal(1999 + 37 * variant) / 100
    qty = 1 + variant % 9
    return {
        "customer": f"Customer {variant % 20:03d} Ltd",
        "title": f"Order of {qty} units, variant {variant}",
        "status": _STATUSES[variant % len(_STATUSES)],
        "priority": ("Low", "Medium", "High")[variant % 3],
        "company": "Example Industries",
        "currency": ("EUR", "USD", "INR")[variant % 3],
        "qty": qty,
        "rate": rate,
        "amount": rate * qty,
        "posting_date": date(2024, 1, 1) + timedelta(days=variant),
        "is_paid": variant % 2 == 0,
        "notes": None if variant % 4 == 0 else f"Deliver to gate {variant}. " * 3,
    }


def orders(count: int, owners: Sequence[str]) -> Iterator[Order]:
    """`count` rows; every owner has each variant equally often."""
    for number in range(count):
        owner = owners[number // VARIANTS % len(owners)]
        yield _order(number, f"SO-{number:07d}", owner, business(number))


def updatable(owners: Sequence[str]) -> Iterator[Order]:
    """The rows that PUT changes, apart from those that are read."""
    for number in range(UPDATABLE_ROWS):
        columns = business(number) | {"status": _UPDATABLE_STATUS}
        owner = owners[number % len(owners)]
        yield _order(10_000_000 + number, f"{PUT_PREFIX}{number:05d}", owner, columns)


def expected_page(rows: Sequence[Order], owner: str) -> list[str]:
    """The names of the first page of `owner`'s open orders, newest first."""
    mine = [row for row in rows if row.owner == owner and row.business["status"] == LISTED_STATUS]
    mine.sort(key=lambda row: row.modified, reverse=True)
    return [row.name for row in mine[:PAGE]]


def change_body(number: int) -> dict[str, Any]:
    """What a PUT sends, but for the version."""
    columns = business(number + 1) | {"status": _UPDATABLE_STATUS}
    return {name: columns[name] for name in ("title", "status", "qty", "rate", "amount")}


def invoice_body(number: int, customers: Sequence[str], items: Sequence[str]) -> dict[str, Any]:
    """An invoice with ten rows over linked customers and items."""
    lines = [
        {
            "item": items[(number + line) % len(items)],
            "description": f"Line {line} of variant {number}",
            "qty": Decimal(1 + (number + line) % 5),
            "rate": Decimal(995 + 50 * line) / 100,
        }
        for line in range(10)
    ]
    return {
        "customer": customers[number % len(customers)],
        "posting_date": date(2024, 2, 1) + timedelta(days=number % 28),
        "remarks": None,
        "items": lines,
    }


def invoice_total(body: dict[str, Any]) -> Decimal:
    """What the server must compute for such an invoice."""
    return sum((line["qty"] * line["rate"] for line in body["items"]), Decimal(0))


def as_json(value: dict[str, Any]) -> str:
    """Compact JSON, with decimals and dates as the HTTP contract has them."""
    return json.dumps(value, default=str, separators=(",", ":"))


def _order(number: int, name: str, owner: str, columns: dict[str, Any]) -> Order:
    moment = _START + timedelta(seconds=number)
    return Order(_uuid7(number), name, owner, moment, moment, columns)


def _uuid7(number: int) -> UUID:
    """A version 7 id that is known from the number, spread as real ones are within a second."""
    milliseconds = _START_MS + number * 1000
    tail = (number * 0x9E3779B97F4A7C15) & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (number & 0xFFF) << 64 | 0b10 << 62 | tail)
