"""The migrations of the MongoDB store keep the contract of migrations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from framework_m_core.registry.registry import Registry
from framework_m_testing.contracts.migration import (
    MigrationContract,
    MigrationHarness,
    OpenMigrations,
    locate_migrations,
)
from framework_m_testing.contracts.migration_apps import MigrationAppsContract
from framework_m_testing.contracts.migration_values import MigrationValuesContract
from framework_mx_mongo.settings import MongoSettings

from .migrating import open_migrating

_FAILS = '    raise LookupError("spoiled")\n'


def fill(patch: Path) -> None:
    patch.write_text(patch.read_text() + '    await documents.create("Plain", {})\n')


def speak(patch: Path) -> None:
    text = patch.read_text().replace("documents: Documents", "mongo: PatchMongo")
    origin = "from framework_mx_mongo.migrations import PatchMongo"
    patch.write_text(text.replace("from framework_m import Documents", origin))


def spoil(path: Path) -> None:
    """Adds a line to the end of `upgrade`, or of a patch's `run`, which stands last in its file."""
    upgrade, way_back, rest = path.read_text().partition("\n\n\nasync def downgrade")
    path.write_text(upgrade.rstrip() + "\n" + _FAILS.rstrip() + way_back + rest if way_back else upgrade + _FAILS)


@pytest.fixture
def open_migrations(mongo_settings: MongoSettings, tmp_path: Path) -> OpenMigrations:
    @asynccontextmanager
    async def opened(registry: Registry, own: str = "samples") -> AsyncIterator[MigrationHarness]:
        async with open_migrating(mongo_settings, registry, locate_migrations(tmp_path, registry, own)) as app:

            async def filled() -> int:
                async with app.store.units(app.store.context) as unit:
                    return int(await unit.repository("Plain").count())

            sync, capabilities = app.store.schema_mapper.sync, app.store.capabilities
            yield MigrationHarness(app.migrations, sync, fill, filled, speak, spoil, capabilities, app.store)

    return opened


class TestMongoMigrations(MigrationContract):
    pass


class TestMongoMigrationsOfApps(MigrationAppsContract):
    pass


class TestMongoMigrationsOfValues(MigrationValuesContract):
    pass
