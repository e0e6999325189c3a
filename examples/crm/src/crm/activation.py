"""A customer who gets an invoice is an active one: an event handler."""

from framework_m import DocSubmitted, Documents, on


@on("Invoice", DocSubmitted)
async def activate_customer(event: DocSubmitted, documents: Documents) -> None:
    """Marks the customer of a submitted invoice as active; doing it twice changes nothing more."""
    invoice = await documents.get("Invoice", event.document_id)
    customer = await documents.get("Customer", invoice["customer"])
    if customer["status"] != "Active":
        await documents.update("Customer", customer["id"], {"status": "Active"})
