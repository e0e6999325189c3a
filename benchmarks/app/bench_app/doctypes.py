"""An order without children, and an invoice with rows, links, a series and a computed total."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from framework_m import Controller, DocType, Field

_EVERYBODY = {"Sales User": "all"}
_OWN = {"Sales User": "own"}


class SalesOrder(DocType):
    """What a customer ordered."""

    customer: str
    title: str
    status: str
    priority: str
    company: str
    currency: str
    qty: int
    rate: Decimal = Field(scale=2)
    amount: Decimal = Field(scale=2)
    posting_date: date
    is_paid: bool = False
    notes: str | None = None

    class Meta:
        naming = "prompt"
        permissions = {"read": _OWN, "create": _OWN, "write": _OWN}


class Customer(DocType):
    """Whom an invoice is for."""

    full_name: str

    class Meta:
        naming = "prompt"
        permissions = {"read": _EVERYBODY, "create": _EVERYBODY}


class Item(DocType):
    """What an invoice's row is about."""

    class Meta:
        naming = "prompt"
        permissions = {"read": _EVERYBODY, "create": _EVERYBODY}


class InvoiceItem(DocType):
    """A row of an invoice."""

    item: UUID = Field(link="Item")
    description: str
    qty: Decimal = Field(gt=0, scale=3)
    rate: Decimal = Field(ge=0, scale=2)
    amount: Decimal = Field(default=Decimal(0), read_only=True, scale=2)

    class Meta:
        is_child_table = True


class Invoice(DocType):
    """What a customer owes."""

    customer: UUID = Field(link="Customer")
    customer_name: str | None = Field(default=None, fetch_from="customer.full_name")
    posting_date: date
    remarks: str | None = None
    items: list[InvoiceItem] = []
    total: Decimal = Field(default=Decimal(0), read_only=True, scale=2)

    class Meta:
        naming = "INV-.YYYY.-.#####"
        permissions = {"read": _OWN, "create": _OWN, "write": _OWN}


class InvoiceController(Controller[Invoice]):
    """Computes what the rows come to."""

    async def validate(self) -> None:
        """Fill the amounts and the total."""
        for line in self.doc.items:
            line.amount = line.qty * line.rate
        self.doc.total = sum((line.amount for line in self.doc.items), Decimal(0))
