"""A small shop: what the client's tests read and write."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from framework_m import Controller, DocType, Documents, Field, computed, requires_permission, rpc, whitelist

_CLERK = {"Clerk": "all"}


class Product(DocType):
    """Something on the shelves."""

    sku: str = Field(unique=True, max_length=40)
    price: Decimal = Field(default=Decimal(1), ge=0, scale=2, index=True)
    tags: list[str] = []
    since: date | None = None
    seen: datetime = Field(default=datetime(2026, 1, 1, tzinfo=UTC))

    class Meta:
        permissions = {
            "read": _CLERK | {"Guest": "all"},
            "create": _CLERK | {"Guest": "all"},
            "write": _CLERK,
            "delete": _CLERK,
            "purge": _CLERK,
        }


class OrderLine(DocType):
    """A line of an order."""

    product: UUID = Field(link="Product")
    qty: Decimal = Field(gt=0, scale=2)

    class Meta:
        is_child_table = True


class Order(DocType):
    """What somebody has ordered."""

    customer: str
    lines: list[OrderLine] = []
    note: str | None = Field(default=None, allow_on_submit=True)

    @computed(scale=2)
    def ordered(self) -> Decimal:
        """The quantity of all lines."""
        return sum((line.qty for line in self.lines), Decimal(0))

    class Meta:
        naming = "ORD-.####"
        submittable = True
        permissions = {
            "read": _CLERK, "create": ["Clerk"], "write": _CLERK, "submit": _CLERK, "cancel": _CLERK, "amend": _CLERK,
            "delete": _CLERK,
        }  # fmt: skip


class OrderController(Controller[Order]):
    """What can be done with orders."""

    @whitelist
    @requires_permission("write")
    async def annotate(self, note: str) -> str:
        """Set the note."""
        await self.documents.update("Order", self.doc.id, {"note": note})
        return note


@rpc("client_shop.count_products")
@requires_permission("read", "Product")
async def count_products(documents: Documents, at_least: Decimal = Decimal(0)) -> int:
    """Return the number of products of at least a price."""
    expensive = [{"field": "price", "operator": "gte", "value": str(at_least)}]
    return len((await documents.list("Product", expensive, limit=500)).items)
