"""What customers owe us."""

from decimal import Decimal
from uuid import UUID

from framework_m import DocType, Field, computed


class InvoiceItem(DocType):
    """A line of an invoice."""

    description: str
    qty: Decimal = Field(gt=0, scale=3)
    rate: Decimal = Field(ge=0, scale=2)

    @computed(scale=2)
    def amount(self) -> Decimal:
        """What the line costs."""
        return self.qty * self.rate

    class Meta:
        is_child_table = True


class Invoice(DocType):
    """What a customer owes us."""

    customer: UUID = Field(link="Customer", in_list=True)
    customer_name: str | None = Field(default=None, fetch_from="customer.full_name", in_list=True)
    items: list[InvoiceItem] = []
    remarks: str | None = Field(default=None, allow_on_submit=True)

    @computed(scale=2, in_list=True)
    def total(self) -> Decimal:
        """What the lines cost together."""
        return sum((line.amount for line in self.items), Decimal(0))

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
