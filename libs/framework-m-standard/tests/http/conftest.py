"""The ASGI app in process, over the real services and SQLite; only the logins are fakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from framework_m import (
    DocType,
)
from framework_m_core.bootstrap.plugins.discovery import folder_of
from framework_m_core.domain.clock import Uuid7Generator
from framework_m_core.domain.context import ADMINISTRATOR, GUEST, Principal, make_system_context
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.links import LinkService
from framework_m_core.services.documents.naming import NamingService
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.documents.writing.pipeline import WritePipeline
from framework_m_core.services.metadata.service import MetadataService
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.queries.heavy_reads import HeavyReads
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.rpc import RpcService
from framework_m_core.services.runtime.commit_listeners import CommitListeners
from framework_m_core.services.runtime.injection import Injector
from framework_m_standard.auth.rbac import RbacPermission
from framework_m_standard.http.app import Services, create_app
from framework_m_standard.http.routes.health import Lifecycle
from framework_m_standard.http.settings import HttpSettings
from framework_m_standard.http.wire.asgi import ASGIApp
from framework_m_standard.sql.audit_log import SqlAuditLog
from framework_m_standard.sql.counter import SqlCounter
from framework_m_standard.sql.idempotency import SqlIdempotency
from framework_m_standard.sql.reader import SqlReader
from framework_m_standard.sql.schema_mapper import SqlSchemaMapper
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.startup import make_driver
from framework_m_standard.sql.store import SqlStore
from framework_m_standard.sql.unit_of_work import SqlUnitOfWorkFactory
from framework_m_testing.fakes.authentication import FakeAuthentication
from framework_m_testing.fakes.identity import FakeIdentity
from framework_m_testing.fakes.session import FakeSessions

from .site_app import (
    Hidden,
    Line,
    Problem,
    Sale,
    SaleController,
    SalePage,
    Tag,
    all_titles,
    area,
    consumes,
    ping_guests,
    seal,
    several,
    sign_up,
    titles,
    unsendable,
)

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
        return await self.audit_log.list_entries(make_system_context("a test", source="cli"), doctype, UUID(id))

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
    """Opens an app with settings, and DocTypes, of the test's own."""

    @asynccontextmanager
    async def opened(
        *more: type[DocType], development: bool = True, open_to_guests: bool = True, **settings: Any
    ) -> AsyncIterator[Site]:
        registry = make_registry(*more, *((Tag,) if open_to_guests else ()))
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
    for function in (titles, ping_guests, all_titles, sign_up, area, several, seal, unsendable, consumes):
        builder.add_function(function)
    return builder.freeze()


async def make_site(store: SqlStore, settings: HttpSettings, development: bool) -> Site:
    """The graph of services over a store, as the composition makes it."""
    await SqlSchemaMapper(store).sync()
    registry_handle, reader, ids = store.registry_handle, SqlReader(store), Uuid7Generator()
    permissions = PermissionService(RbacPermission(registry_handle))
    queries = QueryService(registry_handle, reader, permissions, HeavyReads(reader.heavy_reads, 2))
    links, naming = LinkService(reader, permissions), NamingService(SqlCounter(store))
    pipeline = WritePipeline(reader, permissions, links, naming, CommitListeners(), ids, Injector({}))
    units = SqlUnitOfWorkFactory(store)
    documents = DocumentService(
        registry_handle, units, pipeline, queries,
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
        registry_handle=registry_handle, documents=documents, queries=queries, authentication=authentication,
        metadata=MetadataService(registry_handle, permissions),
        rpc=RpcService(registry_handle, units, pipeline, permissions, documents, ids, Injector({})),
        openapi_assets=folder_of("offapi"),
    )  # fmt: skip
    app = create_app(services, settings, development=development, ping=ping, warnings=warned, lifecycle=lifecycle)
    return Site(app, registry_handle.current, authentication, lifecycle, failing, warnings, SqlAuditLog(store))
