"""What a debugger shows of stores and drivers: one short line, without a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_standard.memory.engine.store import MemoryStore
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.engine.postgres_driver import PostgresDriver
from framework_m_standard.sql.engine.sqlite_driver import SqliteDriver
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.store import SqlStore
from framework_m_testing.harness import build_sample_registry

SETTINGS = SqlSettings()
SQLITE = SqliteDriver(Path("/srv/crm/data.db"), SETTINGS)


def _postgres(address: str) -> PostgresDriver:
    return PostgresDriver(f"postgresql://{address}", SETTINGS)


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        (SQLITE, "<SqliteDriver /srv/crm/data.db>"),
        (_postgres("ada:hunter2@db:5432/crm"), "<PostgresDriver postgresql://ada:***@db:5432/crm: 0 connections>"),
        (_postgres("db/crm?password=hunter2"), "<PostgresDriver postgresql://db/crm?password=***: 0 connections>"),
        (_postgres("ada:hunter2@db:port/[x"), "<PostgresDriver postgresql://ada:***@db:port/[x: 0 connections>"),
    ],
    ids=["sqlite", "login", "parameter", "unsound"],
)
def test_a_driver_is_shown_without_its_password(driver: Driver, expected: str) -> None:
    assert repr(driver) == expected
    assert repr(SqlStore(driver, RegistryHandle(build_sample_registry()))) == f"<SqlStore on {expected}>"


def test_a_memory_store_is_shown_without_its_documents() -> None:
    store = MemoryStore(MemoryDatabase(), RegistryHandle(build_sample_registry()))
    assert repr(store) == f"<MemoryStore: {len(build_sample_registry().doctypes)} tables>"
