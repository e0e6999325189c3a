"""A round trip with the models of datamodel-code-generator, sent by httpx."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import httpx
from models import (
    Customer,
    CustomerCreate,
    CustomerStatus,
    FrameworkDocStatus,
    FrameworkProblem,
    Invoice,
    InvoiceCreate,
    InvoiceItemsRowCreate,
    InvoiceItemsRowUpdate,
    InvoicePage,
    InvoiceSearch,
    InvoiceUpdate,
)
from pydantic import BaseModel

client = httpx.Client(
    base_url=os.environ["CRM_ADDRESS"], headers={"authorization": f"Bearer {os.environ['CRM_TOKEN']}"}
)


def send(method: str, path: str, body: BaseModel | None = None) -> Any:
    """Return the decoded response to a request whose body is a model."""
    values = body.model_dump(mode="json", by_alias=True, exclude_unset=True) if body else None
    return client.request(method, path, json=values).json()


def rows(invoice: Invoice) -> list[tuple[str, Decimal, Decimal]]:
    """Return what the rows of an invoice say."""
    return [(row.description, row.qty, row.rate) for row in invoice.items or ()]


def main() -> None:
    """Create, find, change and submit an invoice."""
    customer = Customer.model_validate(send("POST", "/api/v1/Customer", CustomerCreate(full_name="Ada")))
    assert customer.status is CustomerStatus.Lead

    lines = [
        InvoiceItemsRowCreate(description="Chair", qty=Decimal("1.5"), rate=Decimal("2.10")),
        InvoiceItemsRowCreate(description="Desk", qty=Decimal(1), rate=Decimal(3)),
    ]
    made = Invoice.model_validate(send("POST", "/api/v1/Invoice", InvoiceCreate(customer=customer.name, items=lines)))
    assert made.items
    assert rows(made) == [("Chair", Decimal("1.5"), Decimal("2.1")), ("Desk", Decimal(1), Decimal(3))]

    search = {"filters": [{"field": "name", "operator": "eq", "value": made.name}], "expand": ["customer"]}
    found = InvoicePage.model_validate(send("POST", "/api/v1/Invoice/search", InvoiceSearch.model_validate(search)))
    (listed,) = found.items
    assert isinstance(listed.customer, Customer) and listed.customer.full_name == "Ada"
    assert listed.total == Decimal("6.15")

    new_rows = [
        InvoiceItemsRowUpdate(id=made.items[1].id, qty=Decimal(2)),
        InvoiceItemsRowUpdate(description="Lamp", qty=Decimal(1), rate=Decimal(5)),
    ]
    path = f"/api/v1/Invoice/{made.id}"
    changed = Invoice.model_validate(
        send("PATCH", path, InvoiceUpdate.model_validate({"items": new_rows, "_version": made.field_version}))
    )
    assert rows(changed) == [("Desk", Decimal(2), Decimal(3)), ("Lamp", Decimal(1), Decimal(5))]
    remarked = Invoice.model_validate(send("PATCH", path, InvoiceUpdate(remarks="soon")))
    assert rows(remarked) == rows(changed)

    submitted = Invoice.model_validate(send("POST", f"{path}/submit"))
    assert submitted.docstatus is FrameworkDocStatus.integer_1

    refused = FrameworkProblem.model_validate(send("PATCH", path, InvoiceUpdate(items=[])))
    assert refused.code == "document_submitted"


main()
