"""A database of MongoDB for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from framework_m_core.registry.registry import Registry
from framework_m_testing.harness import OpenStore, StoreHarness, build_sample_registry
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.settings import MongoSettings

from .migrating import Migrating, Opened, open_migrating, registry_of
from .wiring import mongo_harness


@pytest.fixture
def mongo_settings(mongodb_url: str, mongodb_database: str) -> MongoSettings:
    """The settings of an empty database."""
    return MongoSettings(url=mongodb_url, database=mongodb_database)


@pytest.fixture
def open_store(mongo_settings: MongoSettings) -> OpenStore:
    """Opens the store over the test's database, as often as wanted."""

    @asynccontextmanager
    async def opened(registry: Registry) -> AsyncIterator[StoreHarness]:
        driver = MongoDriver(mongo_settings)
        await driver.open()
        try:
            yield mongo_harness(driver, registry)
        finally:
            await driver.close()

    def open_(registry: Registry) -> AbstractAsyncContextManager[StoreHarness]:
        return opened(registry)

    return open_


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[StoreHarness]:
    """The store under the sample DocTypes, with its collections."""
    async with open_store(build_sample_registry()) as opened:
        await opened.schema_mapper.sync()
        yield opened


@pytest.fixture
def opened(mongo_settings: MongoSettings, tmp_path: Path) -> Opened:
    """Opens the migrations for given DocTypes; those of one test share a database and a folder."""

    @asynccontextmanager
    async def open_(registry: Registry) -> AsyncIterator[Migrating]:
        async with open_migrating(mongo_settings, registry, tmp_path / "app" / "migrations") as migrating:
            await migrating.migrations.init()
            yield migrating

    def of(*doctypes: type[Any]) -> AbstractAsyncContextManager[Migrating]:
        return open_(registry_of(*doctypes))

    return of
