"""What the floors read from a request body."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

__all__ = ["OrderChange", "OrderInput"]


class OrderInput(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST."""

    name: str
    customer: str
    title: str
    status: str
    priority: str
    company: str
    currency: str
    qty: int
    rate: Decimal
    amount: Decimal
    posting_date: date
    is_paid: bool = False
    notes: str | None = None


class OrderChange(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a PUT."""

    version: int = msgspec.field(name="_version")
    title: str
    status: str
    qty: int
    rate: Decimal
    amount: Decimal
