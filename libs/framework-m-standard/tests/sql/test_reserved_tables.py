"""No DocType's table can have the name of one of the framework's own."""

from __future__ import annotations

from framework_m_core.domain.documents.reserved_names import FRAMEWORK_TABLES
from framework_m_standard.sql.engine.driver import transact
from framework_m_standard.sql.schema.existing import read_existing

from .migrating import OpenMigrations, plain, registry_of
from .wiring import sql_store


async def test_every_table_of_the_framework_is_reserved(opened: OpenMigrations, bare_database_url: str) -> None:
    """Names of DocTypes hold no underscore, so only other names have to be in the list, and no more are."""
    registry = registry_of(plain(note=(str, "")))
    async with opened(registry) as app:
        await app.change("first")
    async with sql_store(bare_database_url, registry) as store:
        driver = store.global_driver
        there = await transact(driver, lambda one: read_existing(one, driver.name))
    tables = there.columns.keys() - {"plain"}
    assert {"m_counter", "m_migration", "m_outbox"} <= tables
    assert {name for name in tables if "_" not in name} == FRAMEWORK_TABLES
