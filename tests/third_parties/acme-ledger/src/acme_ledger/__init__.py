"""An app without DocTypes: an event type of its own, and a consumer of every event of all apps."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from framework_m_core.spi import consumer, event_type

ENTRIES: list[tuple[str, str]] = []


@event_type("acme_ledger.entry_booked", key="account")
class EntryBooked(BaseModel):
    """An amount was booked."""

    account: str
    amount: int


@consumer("acme_ledger", "*")
async def book(event: Any, documents: Any) -> None:
    """Note every event, and tell of each document's."""
    ENTRIES.append((event.topic, event.key))
    if event.type.startswith("doc."):
        await documents.publish(EntryBooked(account=event.doctype, amount=event.version))
