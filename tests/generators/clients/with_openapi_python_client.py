"""A round trip with the client of openapi-python-client."""

from __future__ import annotations

import os

from crm_client import AuthenticatedClient
from crm_client.api.customer import create_customer
from crm_client.api.invoice import create_invoice, search_invoice, submit_invoice, update_invoice
from crm_client.models import (
    Customer,
    CustomerCreate,
    CustomerStatus,
    FrameworkDocStatus,
    FrameworkOperator,
    FrameworkProblem,
    Invoice,
    InvoiceComparison,
    InvoiceComparisonField,
    InvoiceCreate,
    InvoiceItemsRowCreate,
    InvoiceItemsRowUpdate,
    InvoicePage,
    InvoiceSearch,
    InvoiceSearchExpandType0Item,
    InvoiceUpdate,
)

client = AuthenticatedClient(base_url=os.environ["CRM_ADDRESS"], token=os.environ["CRM_TOKEN"])


def rows(invoice: Invoice) -> list[tuple[str, str, str]]:
    """Return what the rows of an invoice say."""
    return [(row.description, row.qty, row.rate) for row in invoice.items or ()]


def main() -> None:
    """Create, find, change and submit an invoice."""
    customer = create_customer.sync(client=client, body=CustomerCreate(full_name="Ada"))
    assert isinstance(customer, Customer) and customer.status is CustomerStatus.LEAD

    lines = [InvoiceItemsRowCreate("Chair", "1.5", "2.10"), InvoiceItemsRowCreate("Desk", "1", "3.00")]
    made = create_invoice.sync(client=client, body=InvoiceCreate(customer=customer.name, items=lines))
    assert isinstance(made, Invoice) and made.items
    assert rows(made) == [("Chair", "1.500", "2.10"), ("Desk", "1.000", "3.00")]

    by_name = InvoiceComparison(InvoiceComparisonField.NAME, FrameworkOperator.EQ, made.name)
    expanded = [InvoiceSearchExpandType0Item.CUSTOMER]
    found = search_invoice.sync(client=client, body=InvoiceSearch(filters=[by_name], expand=expanded))
    assert isinstance(found, InvoicePage)
    (listed,) = found.items
    assert isinstance(listed.customer, Customer) and listed.customer.full_name == "Ada"
    assert listed.total == "6.15"

    new_rows = [
        InvoiceItemsRowUpdate(id=made.items[1].id, qty="2"),
        InvoiceItemsRowUpdate(description="Lamp", qty="1", rate="5"),
    ]
    changed = update_invoice.sync(
        str(made.id), client=client, body=InvoiceUpdate(items=new_rows, field_version=made.field_version)
    )
    assert isinstance(changed, Invoice) and changed.remarks is None
    assert rows(changed) == [("Desk", "2.000", "3.00"), ("Lamp", "1.000", "5.00")]
    remarked = update_invoice.sync(str(made.id), client=client, body=InvoiceUpdate(remarks="soon"))
    assert isinstance(remarked, Invoice) and rows(remarked) == rows(changed)

    submitted = submit_invoice.sync(str(made.id), client=client)
    assert isinstance(submitted, Invoice) and submitted.docstatus is FrameworkDocStatus.VALUE_1

    refused = update_invoice.sync(str(made.id), client=client, body=InvoiceUpdate(items=[]))
    assert isinstance(refused, FrameworkProblem) and refused.code == "document_submitted"


main()
