"""The tables of the FastAPI contender as SQLAlchemy ORM classes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import DateTime, ForeignKey, Index, Numeric, SmallInteger, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

__all__ = ["Counter", "Customer", "Invoice", "InvoiceItem", "Item", "SalesOrder", "Tables"]


class Tables(DeclarativeBase):
    """The metadata of all tables."""


class DocumentColumns:
    """What each document has besides its own columns."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(Text, unique=True)
    owner: Mapped[str] = mapped_column(Text)
    creation: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    modified: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    docstatus: Mapped[int] = mapped_column(SmallInteger, default=0)


class SalesOrder(DocumentColumns, Tables):
    """An order without children."""

    __tablename__ = "sales_order"
    __table_args__ = (Index("sales_order_page", "owner", "status", text("modified DESC")),)

    version: Mapped[int] = mapped_column("_version", default=1)
    customer: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    priority: Mapped[str] = mapped_column(Text)
    company: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    qty: Mapped[int]
    rate: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    amount: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    posting_date: Mapped[date]
    is_paid: Mapped[bool]
    notes: Mapped[str | None] = mapped_column(Text)

    __mapper_args__ = {"version_id_col": version}


class Customer(Tables):
    """Whom an invoice is for."""

    __tablename__ = "customer"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(Text, unique=True)
    full_name: Mapped[str] = mapped_column(Text)


class Item(Tables):
    """What an invoice's row is about."""

    __tablename__ = "item"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(Text, unique=True)


class Counter(Tables):
    """The last number of a naming series."""

    __tablename__ = "counter"

    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[int]


class Invoice(DocumentColumns, Tables):
    """A document with children."""

    __tablename__ = "invoice"

    version: Mapped[int] = mapped_column("_version", default=1)
    customer: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    customer_name: Mapped[str] = mapped_column(Text)
    posting_date: Mapped[date]
    remarks: Mapped[str | None] = mapped_column(Text)
    total: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    items: Mapped[list[InvoiceItem]] = relationship(
        cascade="all, delete-orphan", order_by="InvoiceItem.idx", lazy="selectin"
    )

    __mapper_args__ = {"version_id_col": version}


class InvoiceItem(Tables):
    """A row of an invoice."""

    __tablename__ = "invoice_item"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    parent: Mapped[UUID] = mapped_column(ForeignKey("invoice.id", ondelete="CASCADE"))
    idx: Mapped[int]
    item: Mapped[UUID] = mapped_column(ForeignKey("item.id"))
    description: Mapped[str] = mapped_column(Text)
    qty: Mapped[Decimal] = mapped_column(Numeric(18, 3))
    rate: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    amount: Mapped[Decimal] = mapped_column(Numeric(18, 2))
