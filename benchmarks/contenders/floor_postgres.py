"""The floor on PostgreSQL: bare ASGI, asyncpg's prepared statements, msgspec, and nothing else.

No authentication, no permissions, no audit: what is left cannot be left out by anybody.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import msgspec

from benchmarks.contenders.asgi import Receive, Scope, Send, header, read_body, reply, run_lifespan
from benchmarks.contenders.driver_pool import DriverPool
from benchmarks.contenders.order_types import OrderChange, OrderInput

__all__ = ["app"]

COLLECTION = "/api/v1/SalesOrder"
DOCUMENT = COLLECTION + "/"
POOL_SIZE = 16

_COLUMNS = (
    "id, name, owner, creation, modified, docstatus, _version, customer, title, status, priority,"
    " company, currency, qty, rate, amount, posting_date, is_paid, notes"
)
_GET, _LIST, _POST, _PUT = range(4)
_STATEMENTS = (
    f"SELECT {_COLUMNS} FROM sales_order WHERE id = $1",
    f"SELECT {_COLUMNS} FROM sales_order WHERE owner = $1 AND status = $2 ORDER BY modified DESC LIMIT $3",
    f"INSERT INTO sales_order ({_COLUMNS}) VALUES"
    " ($1, $2, $3, $4, $4, 0, 1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    f" RETURNING {_COLUMNS}",
    "UPDATE sales_order SET title = $3, status = $4, qty = $5, rate = $6, amount = $7,"
    f" modified = $8, _version = _version + 1 WHERE id = $1 AND _version = $2 RETURNING {_COLUMNS}",
)

_encode = msgspec.json.Encoder().encode
_decode_input = msgspec.json.Decoder(OrderInput).decode
_decode_change = msgspec.json.Decoder(OrderChange).decode

_pool: DriverPool  # set when the server starts


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        return await run_lifespan(receive, send, _open_pool)
    path: str = scope["path"]
    method: str = scope["method"]
    if path.startswith(DOCUMENT):
        if method == "GET":
            return await _get(path, send)
        return await _put(path, receive, send)
    if path == COLLECTION:
        if method == "GET":
            return await _list(scope, send)
        return await _post(scope, receive, send)
    return await reply(send, 200, b"{}")


async def _open_pool() -> None:
    global _pool  # noqa: PLW0603 - a bare ASGI function has nowhere else to keep it
    _pool = await DriverPool.open(os.environ["DATABASE_URL"], _STATEMENTS, POOL_SIZE)


async def _get(path: str, send: Send) -> None:
    row = await _pool.fetchrow(_GET, UUID(path[len(DOCUMENT) :]))
    if row is None:
        return await reply(send, 404, b'{"detail":"not found"}')
    return await reply(send, 200, _encode(dict(row)))


async def _list(scope: Scope, send: Send) -> None:
    query = parse_qs(scope["query_string"].decode())
    limit = int(query["limit"][0])
    rows = await _pool.fetch(_LIST, query["owner"][0], query["status"][0], limit)
    await reply(send, 200, _encode({"items": [dict(row) for row in rows]}))


async def _post(scope: Scope, receive: Receive, send: Send) -> None:
    order = _decode_input(await read_body(receive))
    row = await _pool.fetchrow(
        _POST,
        uuid4(),
        order.name,
        header(scope, b"x-user-id"),
        datetime.now(UTC),
        order.customer,
        order.title,
        order.status,
        order.priority,
        order.company,
        order.currency,
        order.qty,
        order.rate,
        order.amount,
        order.posting_date,
        order.is_paid,
        order.notes,
    )
    await reply(send, 201, _encode(dict(row or {})))


async def _put(path: str, receive: Receive, send: Send) -> None:
    change = _decode_change(await read_body(receive))
    row = await _pool.fetchrow(
        _PUT,
        UUID(path[len(DOCUMENT) :]),
        change.version,
        change.title,
        change.status,
        change.qty,
        change.rate,
        change.amount,
        datetime.now(UTC),
    )
    if row is None:
        return await reply(send, 409, b'{"detail":"stale"}')
    return await reply(send, 200, _encode(dict(row)))
