"""The floor on SQLite: bare ASGI and the standard library's sqlite3, called on the loop's own thread."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from benchmarks.contenders.asgi import Receive, Scope, Send, header, read_body, reply, run_lifespan
from benchmarks.contenders.order_types import OrderInput
from benchmarks.stores.sqlite import FLOOR_COLUMNS

__all__ = ["app"]

COLLECTION = "/api/v1/SalesOrder"
DOCUMENT = COLLECTION + "/"

_COLUMNS = ", ".join(FLOOR_COLUMNS)
_MARKS = ", ".join("?" * len(FLOOR_COLUMNS))
_GET = f"SELECT {_COLUMNS} FROM sales_order WHERE id = ?"
_POST = f"INSERT INTO sales_order ({_COLUMNS}) VALUES ({_MARKS}) RETURNING {_COLUMNS}"

_encode = msgspec.json.Encoder().encode
_decode_input = msgspec.json.Decoder(OrderInput).decode

_connection: sqlite3.Connection


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        return await run_lifespan(receive, send, _connect)
    path: str = scope["path"]
    if path.startswith(DOCUMENT):
        return await _get(path, send)
    if path == COLLECTION and scope["method"] == "POST":
        return await _post(scope, receive, send)
    return await reply(send, 200, b"{}")


async def _connect() -> None:
    global _connection  # noqa: PLW0603 - a bare ASGI function has nowhere else to keep it
    path = os.environ["DATABASE_URL"].removeprefix("sqlite:///")
    _connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    _connection.execute("PRAGMA journal_mode = WAL")
    _connection.execute("PRAGMA synchronous = NORMAL")


async def _get(path: str, send: Send) -> None:
    row = _connection.execute(_GET, (path[len(DOCUMENT) :],)).fetchone()
    if row is None:
        return await reply(send, 404, b'{"detail":"not found"}')
    return await reply(send, 200, _encode(_document(row)))


async def _post(scope: Scope, receive: Receive, send: Send) -> None:
    order = _decode_input(await read_body(receive))
    moment = datetime.now(UTC).isoformat()
    values = (
        str(uuid4()),
        order.name,
        header(scope, b"x-user-id"),
        moment,
        moment,
        0,
        1,
        order.customer,
        order.title,
        order.status,
        order.priority,
        order.company,
        order.currency,
        order.qty,
        str(order.rate),
        str(order.amount),
        order.posting_date.isoformat(),
        order.is_paid,
        order.notes,
    )
    row = _connection.execute(_POST, values).fetchone()
    await reply(send, 201, _encode(_document(row)))


def _document(row: tuple[object, ...]) -> dict[str, object]:
    document = dict(zip(FLOOR_COLUMNS, row, strict=True))
    document["is_paid"] = bool(document["is_paid"])
    return document
