"""The ASGI app in process, over the real services and SQLite; only the logins are fakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import pydantic
import pytest
from pydantic import BaseModel

from framework_m import (
    Comparison,
    Controller,
    DocType,
    Documents,
    Field,
    RequestContext,
    requires_permission,
    rpc,
    whitelist,
)
from framework_m_core.bootstrap.plugins.discovery import folder_of
from framework_m_core.domain.clock import Uuid7Generator
from framework_m_core.domain.context import ADMINISTRATOR, GUEST, Principal, system_context
from framework_m_core.domain.errors import TransientError
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.registry.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.links import LinkService
from framework_m_core.services.documents.naming import NamingService
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.documents.write_pipeline import WritePipeline
from framework_m_core.services.metadata.service import MetadataService
from framework_m_core.services.permissions import PermissionService
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.rpc import RpcService
from framework_m_core.services.runtime.commit_listeners import CommitListeners
from framework_m_standard.auth.rbac import RbacPermission
from framework_m_standard.http.app import Services, create_app
from framework_m_standard.http.routes.health import Lifecycle
from framework_m_standard.http.settings import HttpSettings
from framework_m_standard.http.wire.asgi import ASGIApp
from framework_m_standard.sql.audit_log import SqlAuditLog
from framework_m_standard.sql.counter import SqlCounter
from framework_m_standard.sql.idempotency import SqlIdempotency
from framework_m_standard.sql.reader import SqlReader
from framework_m_standard.sql.schema.mapper import SqlSchemaMapper
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.store import SqlStore, make_driver
from framework_m_standard.sql.unit_of_work import SqlUnitOfWorkFactory
from framework_m_testing.fakes.authentication import FakeAuthentication
from framework_m_testing.fakes.identity import FakeIdentity
from framework_m_testing.fakes.session import FakeSessions


class Line(DocType):
    """A row of a sale."""

    text: str
    price: Decimal = Field(default=Decimal(0), ge=0, scale=2)
    margin: Decimal = Field(default=Decimal(0), scale=2, permlevel=1)

    class Meta:
        is_child_table = True
        field_levels = {1: {"read": ["Boss"], "write": ["Boss"]}}


class Sale(DocType):
    """Everything that a route may meet: children, levels, submit, scopes of every kind."""

    title: str = Field(in_list=True)
    color: Literal["red", "blue"] = "red"
    rate: Decimal = Field(default=Decimal(0), scale=8)
    secret: str | None = Field(default=None, permlevel=1, sensitive=True)
    total: Decimal = Field(default=Decimal(0), read_only=True, scale=2)
    extra: dict[str, Any] = Field(default_factory=dict)
    partner: UUID | None = Field(default=None, link="Sale")
    lines: list[Line] = []

    class Meta:
        submittable = True
        field_levels = {1: {"read": ["Boss"], "write": ["Boss"]}}
        permissions = {
            "read": {"Reader": "all", "Owner": "own", "Boss": "all", "Blue": Comparison("color", "eq", "blue")},
            "create": {"Reader": Comparison("color", "eq", "blue"), "Owner": "own", "Boss": "all"},
            "write": {"Reader": "own", "Owner": "own", "Boss": "all"},
            "delete": {"Reader": "own", "Owner": "own", "Boss": "all"},
            "purge": {"Reader": "own", "Owner": "own", "Boss": "all"},
            "submit": {"Reader": "own", "Owner": "own", "Boss": "all"},
            "cancel": {"Reader": "own", "Owner": "own", "Boss": "all"},
        }


class SaleController(Controller[Sale]):
    """Adds the lines up."""

    async def validate(self) -> None:
        """Sets the total; one title breaks."""
        if self.doc.title == "break":
            raise RuntimeError("SELECT password FROM users")
        self.doc.total = sum((line.price for line in self.doc.lines), Decimal(0))

    @whitelist
    @requires_permission("write")
    async def priced(self, factor: Decimal = Decimal(1)) -> dict[str, Any]:
        """The title and the total, times a factor."""
        return {"title": self.doc.title, "total": (self.doc.total * factor).quantize(Decimal("0.01"))}

    @whitelist(document=False)
    @requires_permission("read")
    async def has_document(self) -> bool:
        """Whether one was named."""
        return self.doc is not None

    @whitelist
    @requires_permission("create")
    async def split(self, parts: int, breaks: bool = False) -> list[UUID]:
        """Makes copies."""
        made = [await self.documents.create("Sale", {"title": self.doc.title}) for _ in range(parts)]
        if breaks:
            raise RuntimeError("after the last")
        return [sale["id"] for sale in made]

    @whitelist(allow_guest=True, document=False)
    async def greet(self) -> str:
        """Says hello to everybody."""
        return "hello"

    @whitelist
    @requires_permission("read")
    async def leaks(self) -> Any:
        """Returns the document itself, hidden fields and all."""
        return {"sale": self.doc}

    async def helper(self) -> None:
        """Is not declared callable."""


@rpc("sales.titles")
@requires_permission("read", "Sale")
async def titles(starting: str, documents: Documents, context: RequestContext) -> dict[str, Any]:
    """Titles that start so."""
    filters = [{"field": "title", "operator": "starts_with", "value": starting}]
    page = await documents.list("Sale", filters)
    return {"titles": [sale["title"] for sale in page.items], "asked_by": context.principal.id}


@rpc("sales.ping", allow_guest=True)
async def ping_guests() -> str:
    """Answers."""
    return "pong"


@rpc("sales.all_titles", allow_guest=True)
async def all_titles(documents: Documents) -> list[str]:
    """Reads as the caller, which for guests means not at all."""
    return [sale["title"] for sale in (await documents.list("Sale")).items]


@rpc("sales.sign_up", allow_guest=True)
async def sign_up(title: str, documents: Documents) -> UUID:
    """Makes a sale as the system."""
    made: UUID = (await documents.elevated("a guest signs up").create("Sale", {"title": title}))["id"]
    return made


class Circle(BaseModel):
    """A shape."""

    kind: Literal["circle"]
    radius: Annotated[int, Field(ge=1, le=10)]


class Square(BaseModel):
    """Another."""

    kind: Literal["square"]
    side: int


@rpc("sales.area", allow_guest=True)
async def area(shape: Annotated[Circle | Square, pydantic.Field(discriminator="kind")], factor: float = 1) -> float:
    """The area of a shape, more or less."""
    return factor * (3 * shape.radius**2 if isinstance(shape, Circle) else shape.side**2)


@rpc("sales.several", allow_guest=True)
async def several(count: Annotated[int, Field(ge=1, le=10)], label: str = "") -> str:
    """Says it so often."""
    return label * count


@rpc("sales.unsendable", allow_guest=True)
async def unsendable(documents: Documents) -> Any:
    """Stores a sale and returns what is no JSON."""
    await documents.elevated("a test").create("Sale", {"title": "unsent"})
    return {1j}


@rpc("sales.consumes", allow_guest=True)
async def consumes(lines: list[dict[str, Any]], context: RequestContext) -> int:
    """Eats its arguments, and meets a conflict at its first try."""
    found = sum(len(line.pop("parts")) for line in lines)
    if context.request_id not in _TRIED:
        _TRIED.add(context.request_id)
        raise TransientError("a conflict")
    return found


_TRIED: set[UUID] = set()


class Problem(DocType):
    """Named like a part of the API's description."""

    flaw: str = ""

    class Meta:
        permissions = {"read": {"Boss": "all"}}


class SalePage(DocType):
    """Likewise."""

    leaf: str = ""

    class Meta:
        permissions = {"read": {"Boss": "all"}}


class Tag(DocType):
    """Named by its creator, open to guests."""

    text: str = ""

    class Meta:
        naming = "prompt"
        permissions = {"read": {GUEST: "all"}, "create": {"Boss": "all", GUEST: "all"}, "write": {"Boss": "all"}}


class Hidden(DocType):
    """Has no API."""

    text: str = ""

    class Meta:
        api_resource = False
        permissions = {"read": {GUEST: "all"}}


PEOPLE: Mapping[str, frozenset[str]] = {
    "admin": frozenset({ADMINISTRATOR}),
    "boss": frozenset({"Boss"}),
    "reader": frozenset({"Reader"}),
    "owner": frozenset({"Owner"}),
    "blue": frozenset({"Blue"}),
    "nobody": frozenset({"Unheard of"}),
}


PASSWORD = "a long password"
FEW = 3


async def make_authentication() -> FakeAuthentication:
    """Knows everybody by an access token that is their name, and as users who log in by their address."""
    users = FakeIdentity(roles={role for roles in PEOPLE.values() for role in roles})
    authentication = FakeAuthentication(users, FakeSessions(), failures=FEW)
    for name, roles in PEOPLE.items():
        authentication.admit(Principal(name, roles | {GUEST}, f"{name}@example.com"), token=name)
        await users.create(f"{name}@example.com", PASSWORD, sorted(roles))
    return authentication


@dataclass
class Site:
    """The app with what tests look at."""

    app: ASGIApp
    registry: Registry
    authentication: FakeAuthentication
    lifecycle: Lifecycle
    failing: list[Exception]
    warnings: list[str]
    audit_log: SqlAuditLog

    async def audits(self, doctype: str, id: str) -> Sequence[AuditEntry]:
        """The audit entries of a document."""
        return await self.audit_log.entries(system_context("a test"), doctype, UUID(id))

    def client(self, name: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A client that sends the token of a person, or none."""
        bearer = {"authorization": f"Bearer {name}"} if name else {}
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://site", headers={**bearer, **headers})

    async def make(self, name: str = "boss", **values: Any) -> dict[str, Any]:
        """A stored sale."""
        async with self.client(name) as client:
            response = await client.post("/api/v1/Sale", json={"title": "one", **values})
            assert response.status_code == 201, response.text
            document: dict[str, Any] = response.json()
            return document


type OpenSite = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture
def open_site(tmp_path: Path) -> OpenSite:
    """Opens an app with settings of the test's own."""

    @asynccontextmanager
    async def opened(*, development: bool = True, open_to_guests: bool = True, **settings: Any) -> AsyncIterator[Site]:
        registry = make_registry(*((Tag,) if open_to_guests else ()))
        driver = make_driver(SqlSettings(url=f"sqlite:///{tmp_path}/data.db"), tmp_path)
        await driver.open()
        try:
            yield await make_site(SqlStore(driver, RegistryHandle(registry)), HttpSettings(**settings), development)
        finally:
            await driver.close()

    return opened


@pytest.fixture
async def site(open_site: OpenSite) -> AsyncIterator[Site]:
    """The app with default settings."""
    async with open_site() as opened:
        yield opened


def make_registry(*more: type[DocType]) -> Registry:
    """The DocTypes of these tests."""
    builder = RegistryBuilder()
    models: tuple[type[DocType], ...] = (Line, Sale, Hidden, Problem, SalePage, *more)
    for model in models:
        builder.add_doctype(model, "sales")
    builder.add_controller(SaleController)
    for function in (titles, ping_guests, all_titles, sign_up, area, several, unsendable, consumes):
        builder.add_function(function)
    return builder.freeze()


async def make_site(store: SqlStore, settings: HttpSettings, development: bool) -> Site:
    """The graph of services over a store, as the composition makes it."""
    await SqlSchemaMapper(store).sync()
    registries, reader, ids = store.registries, SqlReader(store), Uuid7Generator()
    permissions = PermissionService(RbacPermission(registries))
    queries = QueryService(registries, reader, permissions)
    links, naming = LinkService(reader, permissions), NamingService(SqlCounter(store))
    pipeline = WritePipeline(reader, permissions, links, naming, CommitListeners(), ids)
    units = SqlUnitOfWorkFactory(store)
    documents = DocumentService(
        registries, units, pipeline, queries,
        SqlIdempotency(store), ids,
    )  # fmt: skip
    authentication, lifecycle, failing = await make_authentication(), Lifecycle(), list[Exception]()
    warnings: list[str] = []

    async def ping() -> None:
        await asyncio.sleep(0)
        for error in failing:
            raise error

    async def warned() -> list[str]:
        return list(warnings)

    services = Services(
        registries=registries, documents=documents, queries=queries, authentication=authentication,
        metadata=MetadataService(registries, permissions),
        rpc=RpcService(registries, units, pipeline, permissions, documents), openapi_assets=folder_of("offapi"),
    )  # fmt: skip
    app = create_app(services, settings, development=development, ping=ping, warnings=warned, lifecycle=lifecycle)
    return Site(app, registries.current, authentication, lifecycle, failing, warnings, SqlAuditLog(store))
