"""The migrations of snapshots over a database, as the contract of the schema mapper tries DocTypes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework_m_core.bootstrap.composition import bind_services
from framework_m_core.bootstrap.settings.models import FrameworkSettings
from framework_m_core.container.container import Container
from framework_m_core.domain.clock import Uuid7Generator, system_clock
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.migrations.locations import MigrationFolders
from framework_m_standard.auth.rbac import RbacPermission
from framework_m_standard.sql.counter import SqlCounter
from framework_m_standard.sql.idempotency import SqlIdempotency
from framework_m_standard.sql.migrations.adapter import SqlMigrations
from framework_m_standard.sql.outbox import SqlOutbox
from framework_m_standard.sql.reader import SqlReader
from framework_m_standard.sql.schema_mapper import SqlSchemaMapper
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.startup import make_driver
from framework_m_standard.sql.store import SqlStore
from framework_m_standard.sql.unit_of_work import SqlUnitOfWorkFactory
from framework_m_testing.fakes.doctype import FakeDocType
from framework_m_testing.harness import StoreHarness

from .wiring import sql_harness


@dataclass(frozen=True)
class Migrating:
    """Migrations and the store that they change."""

    migrations: SqlMigrations
    store: StoreHarness

    async def change(self, message: str = "change", **options: Any) -> tuple[str, ...]:
        """Writes a revision, runs it, and returns what it does; a second one must have nothing to do."""
        written = await self.migrations.create(message, **options)
        said = written.changes if written else ()
        await self.run()
        errors = list(await self.migrations.verify())
        assert errors == [], errors
        assert await self.migrations.create("again") is None
        assert not await self.store.schema_mapper.plan(), "a start would refuse what migrations call right"
        return said

    async def run(self) -> list[str]:
        return [step.name async for step in self.migrations.apply()]

    async def rollback(self, **options: Any) -> list[str]:
        return [step.name async for step in self.migrations.rollback(**options)]


type OpenMigrations = Callable[[Registry], AbstractAsyncContextManager[Migrating]]


def registry_of(*doctypes: type[Any]) -> Registry:
    builder = RegistryBuilder()
    for doctype in doctypes:
        builder.add_doctype(doctype, "samples")
    return builder.freeze()


def folders_of(folder: Path | MigrationFolders) -> MigrationFolders:
    """The folders of the app `samples`, unless they are given."""
    return (
        folder
        if isinstance(folder, MigrationFolders)
        else MigrationFolders({"samples": folder}, ("samples",), "samples")
    )


@asynccontextmanager
async def open_migrating(
    url: str, registry: Registry, folder: Path | MigrationFolders, **options: Any
) -> AsyncIterator[Migrating]:
    settings = SqlSettings(url=url, pool_size=4, **options)
    driver = make_driver(settings, Path("unused"))
    await driver.open()
    try:
        store = SqlStore(driver, RegistryHandle(registry), folders_of(folder))
        yield Migrating(_bound(store, settings), sql_harness(store))
    finally:
        await driver.close()


def _bound(store: SqlStore, settings: SqlSettings) -> SqlMigrations:
    container = Container()
    container.provide("registry_handle", store.registry_handle)
    container.provide("registry_builder", RegistryBuilder())
    container.provide("sql_store", store)
    container.provide("sql_settings", settings)
    container.provide("framework_settings", FrameworkSettings())
    container.provide("ids", Uuid7Generator())
    container.provide("clock", system_clock)
    container.provide("app_ports", {})
    container.bind("reader", SqlReader)
    container.bind("unit_of_work", SqlUnitOfWorkFactory)
    container.bind("outbox", SqlOutbox)
    container.bind("counter", SqlCounter)
    container.bind("idempotency", SqlIdempotency)
    container.bind("permission", RbacPermission)
    container.bind("schema_mapper", SqlSchemaMapper)
    bind_services(container)
    container.bind("migration", SqlMigrations)
    migrations: SqlMigrations = container.get("migration")
    return migrations


def plain(**fields: Any) -> type[Any]:
    """A DocType `Plain` of these fields: annotation and default, or annotation alone."""
    annotations = {name: field[0] for name, field in fields.items()}
    defaults = {name: field[1] for name, field in fields.items() if len(field) > 1}
    return type("Plain", (FakeDocType,), {"__annotations__": annotations, "__module__": __name__, **defaults})


async def first(opened: OpenMigrations, *doctypes: type[Any], **values: Any) -> Any:
    """A database at a first revision of the DocTypes, with a document of `Plain` in it."""
    async with opened(registry_of(*doctypes)) as app:
        await app.change("first")
        return await app.store.store("Plain", **values)
