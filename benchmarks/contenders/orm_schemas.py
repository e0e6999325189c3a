"""What the FastAPI contender reads and answers, as pydantic models."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["InvoiceInput", "InvoiceOutput", "OrderChange", "OrderInput", "OrderOutput", "OrderPage"]


class OrderInput(BaseModel):
    """The body of a POST."""

    model_config = ConfigDict(extra="forbid")

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


class OrderChange(BaseModel):
    """The body of a PUT."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(alias="_version")
    title: str
    status: str
    qty: int
    rate: Decimal
    amount: Decimal


class DocumentOutput(BaseModel):
    """What each document answers besides its own fields."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    owner: str
    creation: datetime
    modified: datetime
    docstatus: int
    version: int = Field(serialization_alias="_version")


class OrderOutput(DocumentOutput):
    """An order."""

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
    is_paid: bool
    notes: str | None


class OrderPage(BaseModel):
    """A page of orders."""

    items: list[OrderOutput]


class InvoiceItemInput(BaseModel):
    """A row in the body of a POST."""

    model_config = ConfigDict(extra="forbid")

    item: UUID
    description: str
    qty: Decimal = Field(gt=0)
    rate: Decimal = Field(ge=0)


class InvoiceInput(BaseModel):
    """The body of a POST."""

    model_config = ConfigDict(extra="forbid")

    customer: UUID
    posting_date: date
    remarks: str | None = None
    items: list[InvoiceItemInput]


class InvoiceItemOutput(BaseModel):
    """A row of an invoice."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    item: UUID
    description: str
    qty: Decimal
    rate: Decimal
    amount: Decimal


class InvoiceOutput(DocumentOutput):
    """An invoice with its rows."""

    customer: UUID
    customer_name: str
    posting_date: date
    remarks: str | None
    total: Decimal
    items: list[InvoiceItemOutput]
