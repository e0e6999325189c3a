"""FastAPI, SQLAlchemy's async ORM and pydantic, as most people write it, on PostgreSQL or SQLite.

No authentication and no permissions; the owner is whom the client claims to be.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from benchmarks.contenders.orm_engine import make_engine
from benchmarks.contenders.orm_models import Counter, Customer, Invoice, InvoiceItem, Item, SalesOrder
from benchmarks.contenders.orm_schemas import (
    InvoiceInput,
    InvoiceOutput,
    OrderChange,
    OrderInput,
    OrderOutput,
    OrderPage,
)

__all__ = ["app"]

app = FastAPI()
_sessions = async_sessionmaker(make_engine(os.environ["DATABASE_URL"]), expire_on_commit=False)


async def _session() -> AsyncIterator[AsyncSession]:
    async with _sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(_session)]
User = Annotated[str, Header(alias="X-User-ID")]


@app.get("/health")
async def health() -> dict[str, str]:
    """Say that the server is up."""
    return {"status": "ok"}


@app.get("/api/v1/SalesOrder/{order_id}", response_model=OrderOutput)
async def get_order(order_id: UUID, session: Session) -> SalesOrder:
    """One order."""
    return await _load(order_id, session)


@app.get("/api/v1/SalesOrder", response_model=OrderPage)
async def list_orders(owner: str, status: str, session: Session, limit: int = 20) -> dict[str, Any]:
    """The newest orders of an owner."""
    statement = (
        select(SalesOrder)
        .where(SalesOrder.owner == owner, SalesOrder.status == status)
        .order_by(SalesOrder.modified.desc())
        .limit(limit)
    )
    return {"items": (await session.scalars(statement)).all()}


@app.post("/api/v1/SalesOrder", response_model=OrderOutput, status_code=201)
async def create_order(data: OrderInput, session: Session, user: User) -> SalesOrder:
    """A new order."""
    moment = datetime.now(UTC)
    order = SalesOrder(owner=user, creation=moment, modified=moment, **data.model_dump())
    session.add(order)
    await session.commit()
    return order


@app.put("/api/v1/SalesOrder/{order_id}", response_model=OrderOutput)
async def change_order(order_id: UUID, data: OrderChange, session: Session) -> SalesOrder:
    """Change an order that nobody changed meanwhile."""
    order = await _load(order_id, session)
    if order.version != data.version:
        raise HTTPException(409, "stale version")
    for name, value in data.model_dump(exclude={"version"}).items():
        setattr(order, name, value)
    order.modified = datetime.now(UTC)
    await session.commit()
    return order


@app.post("/api/v1/Invoice", response_model=InvoiceOutput, status_code=201)
async def create_invoice(data: InvoiceInput, session: Session, user: User) -> Invoice:
    """A new invoice: links checked, total computed, named by a counter, rows and all in one commit."""
    customer = await session.get(Customer, data.customer)
    if customer is None:
        raise HTTPException(400, "unknown customer")
    await _check_items({line.item for line in data.items}, session)
    moment = datetime.now(UTC)
    lines = [
        InvoiceItem(idx=position, amount=_rounded(line.qty * line.rate), **line.model_dump())
        for position, line in enumerate(data.items)
    ]
    invoice = Invoice(
        name=await _next_name(f"INV-{moment.year}-", session),
        owner=user,
        creation=moment,
        modified=moment,
        customer_name=customer.full_name,
        total=_rounded(sum((line.amount for line in lines), Decimal(0))),
        items=lines,
        **data.model_dump(exclude={"items"}),
    )
    session.add(invoice)
    await session.commit()
    return invoice


async def _load(order_id: UUID, session: AsyncSession) -> SalesOrder:
    order = await session.get(SalesOrder, order_id)
    if order is None:
        raise HTTPException(404, "not found")
    return order


async def _check_items(wanted: set[UUID], session: AsyncSession) -> None:
    found = await session.scalar(select(func.count()).where(Item.id.in_(wanted)))
    if found != len(wanted):
        raise HTTPException(400, "unknown item")


async def _next_name(prefix: str, session: AsyncSession) -> str:
    statement = update(Counter).where(Counter.prefix == prefix).values(value=Counter.value + 1).returning(Counter.value)
    value = await session.scalar(statement)
    if value is None:
        session.add(Counter(prefix=prefix, value=1))
        await session.flush()
        value = 1
    return f"{prefix}{value:05d}"


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))
