"""Sample DocTypes of every shape, for the contracts and strategies."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from framework_m_core.controllers.controller import Documents
from framework_m_core.controllers.event_handler import on
from framework_m_core.domain.events import DocUpdated, DomainEvent
from framework_m_core.domain.fields.field import Field
from framework_m_testing.fakes.doctype import FakeDocType
from framework_m_testing.samples.field_types import Amount

__all__ = ["Colour", "Shelf", "Slot", "Thing", "handle_update"]


class Colour(StrEnum):
    """An enumeration."""

    RED = "red"
    BLUE = "blue"


class Shelf(FakeDocType):
    """What things stand on."""

    label: str = Field(unique=True)

    class Meta:
        naming = "prompt"


class Slot(FakeDocType):
    """A row of a thing."""

    what: str
    amount: Decimal = Field(default=Decimal(0), scale=3)
    cost: Amount | None = None
    seal: bytes | None = None
    shelf: UUID | None = Field(default=None, link="Shelf")

    class Meta:
        is_child_table = True


class Thing(FakeDocType):
    """One field of each kind and of each sample field type, once required and once not."""

    text: str = ""
    note: str | None = None
    number: int = 0
    count: int | None = None
    ratio: float | None = None
    flag: bool = False
    maybe: bool | None = None
    price: Decimal = Field(default=Decimal(0), scale=2)
    discount: Decimal | None = Field(default=None, scale=4)
    day: date | None = None
    moment: datetime | None = None
    colour: Colour | None = None
    tags: list[str] = []
    counts: list[int] | None = None
    extra: dict[str, Any] | None = None
    photo: bytes | None = None
    stamp: bytes = b"\x00none"
    worth: Amount = Amount(Decimal(0), "EUR")
    rebate: Amount | None = Field(default=None, index=True)
    span: timedelta | None = None
    pause: timedelta = timedelta(minutes=5)
    shelf: UUID | None = Field(default=None, link="Shelf")
    slots: list[Slot] = []

    class Meta:
        naming = None
        indexes = (("number", "text"),)


@on("Thing", DocUpdated)
async def handle_update(event: DomainEvent, documents: Documents) -> None:
    """Do nothing: by this handler the app is a consumer."""
