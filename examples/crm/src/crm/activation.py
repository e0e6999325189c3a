"""A customer who gets an invoice is an active one: an event handler."""

from framework_m import DocStatus, DocSubmitted, Documents, on


@on("Invoice", DocSubmitted)
async def activate_customer(event: DocSubmitted, documents: Documents) -> None:
    """Marks the customer of a submitted invoice as active; doing it twice changes nothing more.

    A handler runs later than the write: by then the invoice may be cancelled, or deleted, in which case its event is
    done with the first look at it.
    """
    invoice = await documents.get("Invoice", event.document_id)
    if invoice["docstatus"] != DocStatus.SUBMITTED:
        return
    customer = await documents.get("Customer", invoice["customer"])
    if customer["status"] != "Active":
        await documents.update("Customer", customer["id"], {"status": "Active"})
