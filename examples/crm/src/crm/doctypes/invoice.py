"""What customers owe us."""

from decimal import Decimal
from uuid import UUID

from framework_m import Controller, DocType, Field


class InvoiceItem(DocType):
    """A line of an invoice."""

    description: str
    qty: Decimal = Field(gt=0, scale=3)
    rate: Decimal = Field(ge=0, scale=2)

    class Meta:
        is_child_table = True


class Invoice(DocType):
    """What a customer owes us."""

    customer: UUID = Field(link="Customer", in_list=True)
    customer_name: str | None = Field(default=None, fetch_from="customer.full_name", in_list=True)
    items: list[InvoiceItem] = []
    total: Decimal = Field(default=Decimal(0), read_only=True, scale=2, in_list=True)
    remarks: str | None = Field(default=None, allow_on_submit=True)

    class Meta:
        naming = "INV-.YYYY.-.####"
        submittable = True
        permissions = {
            "read": {"Sales User": "own", "Sales Manager": "all"},
            "create": ["Sales User", "Sales Manager"],
            "write": {"Sales User": "own", "Sales Manager": "all"},
            "submit": {"Sales Manager": "all"},
            "cancel": {"Sales Manager": "all"},
            "amend": {"Sales Manager": "all"},
            "delete": {"Sales User": "own", "Sales Manager": "all"},
        }


class InvoiceController(Controller[Invoice]):
    """Keeps the total true to the lines."""

    async def validate(self) -> None:
        """Adds the lines up."""
        self.doc.total = sum((line.qty * line.rate for line in self.doc.items), Decimal(0))
