"""Steps of a request inside the opened app, each beside the least that it could cost."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import sqlalchemy as sa

from benchmarks.contenders.orm_schemas import OrderInput
from benchmarks.dataset import LISTED_STATUS, ORDER_PATH, PAGE, as_json, business
from benchmarks.micro.timing import Compared, Task, compare
from framework_m_core.bootstrap.application import Application
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.page import OrderSpec
from framework_m_core.services.documents.merging import read_creation
from framework_m_core.services.documents.validation import validate
from framework_m_core.services.queries.parsing import parse_list
from framework_m_standard.http.documents.query_parameters import parse_list_request
from framework_m_standard.http.wire.body_codec import decode_object
from framework_m_standard.http.wire.json_scan import find_repeated_key
from framework_m_standard.http.wire.responses import DocumentEncoder

__all__ = ["Steps"]

_JSON = {b"content-type": b"application/json"}
_FILTERS = [{"field": "status", "operator": "eq", "value": LISTED_STATUS}]
_QUERY = urlencode({"filters": json.dumps(_FILTERS), "order_by": "-modified", "limit": PAGE}).encode()
_NEWEST = (OrderSpec("creation", descending=True),)


class Steps:
    """The cases that need an app: `scope` and `token` are a user's who may do everything with her own orders."""

    def __init__(self, app: Application, context: RequestContext, token: str, database: Path) -> None:
        self._app = app
        self._database = database
        self._context = context
        self._token = token
        self._plan = app.registry.get("SalesOrder")
        self._permissions = app.queries.permissions

    async def measure(self, turns: int) -> list[Compared]:
        """All of them, in turn."""
        first, *_ = [
            await self._app.documents.create(self._context, "SalesOrder", {"name": f"SO-{n}", **business(n)})
            for n in range(PAGE)
        ]
        page = await self._app.queries.list(self._context, "SalesOrder", parse_list_request(b""))
        return [
            await compare(
                "permission", "permission check / GET in process", self._permission(first), self._get(first), turns
            ),
            await compare("read", "GET in process / sqlite3 and msgspec", self._get(first), self._select(first), turns),
            await compare(
                "filter", "reading a list's query / SQLAlchemy compiling it", self._filter(), _compilation(), turns
            ),
            await compare("encode", f"a page of {PAGE} / msgspec alone", self._encoding(page), _encoding(page), turns),
            await compare("keys", "looking for repeated keys / decoding the body", *self._keys(), turns),
            await compare("body", "body to document / pydantic into a model", self._body(), _model(), turns),
        ]

    def _permission(self, document: dict[str, Any]) -> Task:
        permissions, context, plan = self._permissions, self._context, self._plan

        async def check(times: int) -> None:
            for _ in range(times):
                grant = await permissions.require_grant(context, plan, "read")
                permissions.bind_scope(grant, context.principal)
                assert await permissions.covers(context, plan, "read", grant, document)

        return check

    def _get(self, document: dict[str, Any]) -> Task:
        web: Any = self._app.container.get("web")
        path = f"{ORDER_PATH}/{document['id']}"
        head = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
            "headers": [(b"host", b"bench"), (b"authorization", b"Bearer " + self._token.encode())],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "state": {},
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            assert message.get("status", 200) == 200

        async def get(times: int) -> None:
            for _ in range(times):
                await web(dict(head), receive, send)

        return get

    def _select(self, document: dict[str, Any]) -> Task:
        """Return the least that reading a document could cost: its row by a unique name, as JSON."""
        connection = sqlite3.connect(self._database)
        encode, name = msgspec.json.Encoder().encode, document["name"]

        def select() -> None:
            cursor = connection.execute("SELECT * FROM salesorder WHERE name = ?", (name,))
            encode(dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True)))

        return _repeated(select)

    async def _grant(self, action: str) -> Any:
        return await self._permissions.require_grant(self._context, self._plan, action)

    def _filter(self) -> Task:
        async def read(times: int) -> None:
            grant = await self._grant("read")
            for _ in range(times):
                parameterize(parse_list(self._plan, grant, parse_list_request(_QUERY), _NEWEST).where)

        return read

    def _encoding(self, page: Any) -> Task:
        encode = DocumentEncoder()
        return _repeated(lambda: encode(self._app.registry, self._plan, page))

    def _keys(self) -> tuple[Task, Task]:
        body = as_json({"name": "SO-1", **business(1)}).encode()
        value = decode_object(_JSON, body)
        decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
        return _repeated(lambda: find_repeated_key(body, value)), _repeated(lambda: decode(body))

    def _body(self) -> Task:
        body = as_json({"name": "SO-1", **business(1)}).encode()
        stamps = {"id": self._app.container.get("ids")(), "owner": "", "modified_by": ""}
        now = self._context.clock()

        async def read(times: int) -> None:
            grant = await self._grant("create")
            for _ in range(times):
                values, _name = read_creation(self._plan, grant, decode_object(_JSON, body))
                validate(self._plan, {**values, **stamps, "creation": now, "modified": now})

        return read


def _compilation() -> Task:
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in business(0)]
    table = sa.table("salesorder", *columns, sa.column("modified"))

    def compile_anew() -> None:
        query = sa.select(*columns).where(table.c.status == LISTED_STATUS).order_by(table.c.modified.desc())
        query.limit(PAGE).compile()

    return _repeated(compile_anew)


def _encoding(page: Any) -> Task:
    encode = msgspec.json.Encoder().encode
    return _repeated(lambda: encode({"items": page.items}))


def _model() -> Task:
    body = as_json({"name": "SO-1", **business(1)}).encode()
    return _repeated(lambda: OrderInput.model_validate_json(body))


def _repeated(work: Callable[[], object]) -> Task:
    async def repeat(times: int) -> None:
        for _ in range(times):
            work()

    return repeat
