"""The migrations of given DocTypes over a database of MongoDB."""

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
from framework_m_testing.fakes.doctype import FakeDocType
from framework_m_testing.harness import StoreHarness
from framework_mx_mongo.counter import MongoCounter
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.idempotency import MongoIdempotency
from framework_mx_mongo.migrations.adapter import MongoMigrations
from framework_mx_mongo.outbox import MongoOutbox
from framework_mx_mongo.reader import MongoReader
from framework_mx_mongo.schema_mapper import MongoSchemaMapper
from framework_mx_mongo.settings import MongoSettings
from framework_mx_mongo.store import MongoStore
from framework_mx_mongo.unit_of_work import MongoUnitOfWorkFactory

from .wiring import harness_over


@dataclass(frozen=True)
class Migrating:
    """Migrations, the store that they change, and its driver."""

    migrations: MongoMigrations
    store: StoreHarness
    driver: MongoDriver

    async def change(self, message: str = "change", **options: Any) -> tuple[str, ...]:
        """Writes a revision, runs it, and returns what it does; a second one must have nothing to do."""
        written = await self.migrations.create(message, **options)
        said = written.changes if written else ()
        await self.run()
        await self.check()
        return said

    async def check(self) -> None:
        """Database, files and DocTypes must agree."""
        errors = list(await self.migrations.verify())
        assert errors == [], errors
        assert await self.migrations.create("again") is None
        assert not await self.store.schema_mapper.plan(), "a start would refuse what migrations call right"

    async def run(self) -> list[str]:
        return [step.name async for step in self.migrations.apply()]

    async def rollback(self, **options: Any) -> list[str]:
        return [step.name async for step in self.migrations.rollback(**options)]


type Opened = Callable[..., AbstractAsyncContextManager[Migrating]]
"""Opens the migrations of given DocTypes; those of one test share a database and a folder."""


def registry_of(*doctypes: type[Any]) -> Registry:
    builder = RegistryBuilder()
    for doctype in doctypes:
        builder.add_doctype(doctype, "samples")
    return builder.freeze()


def plain(**fields: Any) -> type[Any]:
    """A DocType `Plain` of these fields: annotation and default, or annotation alone."""
    annotations = {name: field[0] for name, field in fields.items()}
    defaults = {name: field[1] for name, field in fields.items() if len(field) > 1}
    return type("Plain", (FakeDocType,), {"__annotations__": annotations, "__module__": __name__, **defaults})


def folders_of(folder: Path | MigrationFolders) -> MigrationFolders:
    """The folders of the app `samples`, unless they are given."""
    if isinstance(folder, MigrationFolders):
        return folder
    return MigrationFolders({"samples": folder}, ("samples",), "samples")


@asynccontextmanager
async def open_migrating(
    settings: MongoSettings, registry: Registry, folder: Path | MigrationFolders
) -> AsyncIterator[Migrating]:
    driver = MongoDriver(settings)
    await driver.open()
    try:
        store = MongoStore(driver, RegistryHandle(registry), folders_of(folder))
        yield Migrating(_bound(store), harness_over(store), driver)
    finally:
        await driver.close()


def _bound(store: MongoStore) -> MongoMigrations:
    container = Container()
    container.provide("registry_handle", store.registry_handle)
    container.provide("registry_builder", RegistryBuilder())
    container.provide("mongo_store", store)
    container.provide("framework_settings", FrameworkSettings())
    container.provide("ids", Uuid7Generator())
    container.provide("clock", system_clock)
    container.provide("app_ports", {})
    container.bind("reader", MongoReader)
    container.bind("unit_of_work", MongoUnitOfWorkFactory)
    container.bind("outbox", MongoOutbox)
    container.bind("counter", MongoCounter)
    container.bind("idempotency", MongoIdempotency)
    container.bind("permission", RbacPermission)
    container.bind("schema_mapper", MongoSchemaMapper)
    bind_services(container)
    container.bind("migration", MongoMigrations)
    migrations: MongoMigrations = container.get("migration")
    return migrations
