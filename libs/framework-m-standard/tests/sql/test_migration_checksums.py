"""Revisions that were changed after they were run on a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.services.migrations.files.revisions import checksum_of

from .migrating import Migrating, open_migrating, plain, registry_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The app's folder of migrations."""
    return tmp_path / "app" / "migrations"


def edit(folder: Path, name: str, text: str = "\n# a remark\n") -> None:
    path = folder / "versions" / f"{name}.py"
    path.write_bytes(path.read_bytes() + text.encode())


async def changed(app: Migrating) -> list[str]:
    """The revisions that are told to have changed, each with its file."""
    lines = await app.migrations.verify()
    assert all(f"{line.split()[1]}.py" in line for line in lines)
    return [line.split()[1] for line in lines]


async def run_two(app: Migrating) -> None:
    await app.migrations.init()
    await app.change("first")
    await app.migrations.create("second", empty=True)
    await app.run()


async def test_a_revision_changed_after_its_run_is_named(bare_database_url: str, folder: Path) -> None:
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        await run_two(app)
        assert await changed(app) == []
        edit(folder, "0001_first")
        assert await changed(app) == ["0001_first"]
        edit(folder, "0002_second")
        assert await changed(app) == ["0001_first", "0002_second"]


async def test_line_ends_are_no_change(bare_database_url: str, folder: Path) -> None:
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        await run_two(app)
        path = folder / "versions" / "0001_first.py"
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        assert await changed(app) == []


async def test_a_revision_may_be_changed_where_it_was_not_run_or_was_undone(
    bare_database_url: str, folder: Path
) -> None:
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        await run_two(app)
        await app.rollback()
        edit(folder, "0002_second")
        await app.run()
        assert await changed(app) == []
        await app.migrations.create("third", empty=True)
        edit(folder, "0003_third")
        if StoreCapability.TRANSACTIONAL_SCHEMA in app.store.capabilities:
            await app.migrations.preview()
        edit(folder, "0003_third")
        await app.run()
        assert await changed(app) == []


@pytest.mark.parametrize("adopted", ["init", "create"])
async def test_an_adopted_revision_is_compared(bare_database_url: str, folder: Path, adopted: str) -> None:
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        if adopted == "create":
            await app.migrations.init()
        await app.store.schema_mapper.sync()
        await (app.migrations.init() if adopted == "init" else app.migrations.create("initial"))
        assert await changed(app) == []
        edit(folder, "0001_initial")
        assert await changed(app) == ["0001_initial"]


async def test_all_revisions_that_a_database_is_adopted_at_are_compared(
    bare_database_url: str, tmp_path: Path, folder: Path
) -> None:
    async with open_migrating(f"sqlite:///{tmp_path / 'colleague.db'}", registry_of(plain()), folder) as colleague:
        await run_two(colleague)
    async with open_migrating(bare_database_url, registry_of(plain()), tmp_path / "none" / "migrations") as mine:
        await mine.store.schema_mapper.sync()
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        await app.migrations.init()
        edit(folder, "0001_first")
        assert await changed(app) == ["0001_first"]


async def go_back(app: Migrating, *statements: str) -> None:
    """Gives the database the record of a version that knew one app: Alembic's table, and checksums where they were."""
    transaction: Any = await app.migrations._store.global_driver.begin()
    for statement in (
        "DROP TABLE m_migration",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('0002_second')",
        *statements,
    ):
        await transaction.run_script(statement)
    await transaction.commit()


def checksum(folder: Path, name: str) -> str:
    return checksum_of((folder / "versions" / f"{name}.py").read_bytes())


async def tables_of(app: Migrating) -> set[str]:
    found = await app.migrations._database.work(lambda connection: set(sa.inspect(connection).get_table_names()))
    return {name for name in found if name.startswith(("m_migration", "m_patch", "m_revision", "alembic"))}


async def test_what_a_version_without_checksums_ran_is_not_compared(bare_database_url: str, folder: Path) -> None:
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        await run_two(app)
        await go_back(app)
        edit(folder, "0001_first")
        assert await changed(app) == []
        assert (await app.migrations.status()).revisions == ("0002_second",)
        assert await app.rollback() == ["0002_second"]
        assert await app.run() == ["0002_second"]
        assert await changed(app) == []
        edit(folder, "0002_second")
        assert await changed(app) == ["0002_second"]


async def test_the_record_of_one_app_becomes_one_by_app(bare_database_url: str, folder: Path) -> None:
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        await run_two(app)
        patch = await app.migrations.create_patch("fill")
        known = checksum(folder, "0001_first")
        await go_back(
            app,
            "CREATE TABLE m_revision (name VARCHAR(99) NOT NULL PRIMARY KEY, checksum TEXT NOT NULL)",
            f"INSERT INTO m_revision VALUES ('0001_first', '{known}'), ('0002_second', 'other')",
            "CREATE TABLE m_patch (name VARCHAR(99) NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, applied_at TEXT)",
            f"INSERT INTO m_patch VALUES ('{patch.stem}', '{checksum_of(patch.read_bytes())}', '2026')",
        )
        assert await changed(app) == ["0002_second"]
        assert await app.run() == []
        assert await tables_of(app) - {"m_revision_change"} == {"m_migration"}
        assert await changed(app) == ["0002_second"]
        assert [step.applied for step in await app.migrations.history()] == [True, True, True]
        assert (await app.migrations.status()).is_current
