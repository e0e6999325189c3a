"""DocTypes whose hooks do what a test tells them: an order with lines, its customer, and notes without rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from framework_m import Controller, DocCreated, DocDeleted, DocType, Documents, DocUpdated, DomainEvent, Field, on
from framework_m_core.domain.events import DocCancelled, DocRestored, DocSubmitted
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry

type Hook = Callable[[Any], Awaitable[None]]
type Hooks = dict[str, Hook]

HOOKS: Hooks = {}
"""What the hooks of orders do, by hook; a fixture empties it after each test."""


class Customer(DocType):
    """Whom orders link to."""

    full_name: str = ""

    class Meta:
        naming = "prompt"


class OrderLine(DocType):
    """A row of an order."""

    text: str = ""
    qty: Decimal = Field(default=Decimal(1), scale=2)
    notes: list[str] = []
    supplier: UUID | None = Field(default=None, link="Customer")

    class Meta:
        is_child_table = True


class Order(DocType):
    """A field of each kind that a hook can harm."""

    title: str = Field(default="", max_length=40)
    number: int = 0
    total: Decimal = Field(default=Decimal(0), scale=2)
    tags: list[str] = []
    extra: dict[str, Any] = {}
    anything: Any = None
    remark: str = Field(default="", allow_on_submit=True)
    customer: UUID | None = Field(default=None, link="Customer")
    customer_name: str | None = Field(default=None, fetch_from="customer.full_name")
    lines: list[OrderLine] = []

    class Meta:
        submittable = True
        indexes = (("title",),)


class Note(DocType):
    """What hooks write beside the order."""

    text: str = ""
    number: int = 0
    code: str | None = Field(default=None, unique=True)
    customer: UUID | None = Field(default=None, link="Customer")
    answers: UUID | None = Field(default=None, link="Note")


class Ticket(DocType):
    """Numbered, so that a hook that makes one needs a counter."""

    text: str = ""

    class Meta:
        naming = "T-.####"


class OrderController(Controller[Order]):
    """Every hook, as a test has set it."""

    async def validate(self) -> None:
        await _run("validate", self)

    async def before_insert(self) -> None:
        await _run("before_insert", self)

    async def before_save(self) -> None:
        await _run("before_save", self)

    async def after_save(self) -> None:
        await _run("after_save", self)

    async def after_insert(self) -> None:
        await _run("after_insert", self)

    async def before_submit(self) -> None:
        await _run("before_submit", self)

    async def on_submit(self) -> None:
        await _run("on_submit", self)

    async def before_cancel(self) -> None:
        await _run("before_cancel", self)

    async def on_cancel(self) -> None:
        await _run("on_cancel", self)

    async def before_delete(self) -> None:
        await _run("before_delete", self)

    async def after_delete(self) -> None:
        await _run("after_delete", self)

    async def before_restore(self) -> None:
        await _run("before_restore", self)

    async def after_restore(self) -> None:
        await _run("after_restore", self)


async def _run(hook: str, controller: OrderController) -> None:
    if hook in HOOKS:
        await HOOKS[hook](controller)


@on("Order", DocCreated)
@on("Order", DocUpdated)
@on("Order", DocSubmitted)
@on("Order", DocCancelled)
@on("Order", DocDeleted)
@on("Order", DocRestored)
@on("Note", DocCreated)
@on("Note", DocUpdated)
async def keep_waiting(event: DomainEvent, documents: Documents) -> None:
    """Makes the app a consumer."""


def order_builder() -> RegistryBuilder:
    """The DocTypes, collected."""
    builder = RegistryBuilder()
    for doctype in (Customer, OrderLine, Order, Note, Ticket):
        builder.add_doctype(doctype, "orders")
    builder.add_controller(OrderController)
    builder.add_handler(keep_waiting, "orders")
    return builder


def order_registry() -> Registry:
    """The DocTypes, compiled."""
    return order_builder().freeze()
