"""The application on the store in memory: nothing of SQL is needed, opened or left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from framework_m_core.bootstrap.application import open_application
from framework_m_core.domain.context import make_system_context
from framework_m_core.domain.errors import ConfigurationError
from tests.errors import assert_names

_MEMORY = {"M_ADAPTERS__STORE": "memory"}
_WITHOUT_SQL = """
import asyncio, os, sys
sys.modules["sqlalchemy"] = sys.modules["sqlite3"] = sys.modules["asyncpg"] = None
from framework_m_core.bootstrap.application import open_application

async def main():
    async with open_application(environment={"M_ADAPTERS__STORE": "memory"}) as app:
        print(sorted(step.name for step in app.steps if step.prepares))

asyncio.run(main())
"""


async def test_two_applications_of_a_process_share_nothing(tmp_path: Path) -> None:
    context = make_system_context("a test", source="cli")
    async with (
        open_application(tmp_path, environment=_MEMORY) as one,
        open_application(tmp_path, environment=_MEMORY) as other,
    ):
        role = await one.documents.create(context, "Role", {"name": "Clerk"})
        assert (await one.documents.get(context, "Role", "Clerk"))["id"] == role["id"]
        for app, count in ((one, 1), (other, 0)):
            async with app.container.get("unit_of_work")(context) as unit:
                assert await unit.repository("Role").exists(role["id"]) is bool(count), count


def test_it_starts_where_no_database_library_can_be_imported(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_SQL], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "['init_memory', 'make_administrator']\n"), done.stderr


async def test_production_refuses_it(tmp_path: Path) -> None:
    secret = "0123456789abcdef" * 3
    production = {"M_FRAMEWORK__ENV": "production", "M_AUTH__SECRET": secret, "M_HTTP__CORS_ORIGINS": ""}
    with pytest.raises(ConfigurationError, match="loses all data"):
        async with open_application(tmp_path, environment=_MEMORY | production):
            pytest.fail("it started")


async def test_a_store_that_nobody_offers_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        async with open_application(tmp_path, environment={"M_ADAPTERS__STORE": "memroy"}):
            pytest.fail("it started")
    assert_names(refused.value, "memroy", "default, memory")
