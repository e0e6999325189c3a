"""Runs of migrations: how long they may take, what a dry run tells, and how far a rollback goes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from framework_m_core.domain.errors import ConfigurationError, MigrationError
from framework_m_core.interfaces.capabilities import StoreCapability
from tests.errors import assert_names

from .migrating import open_migrating, plain, registry_of

PATCH = """from framework_m.migrations import PatchSql

after = "{after}"


async def run(sql: PatchSql) -> None:
    await sql.execute("{statement}")
"""
MERGED = """'''says'''
revision = "{name}"
down_revision = {down}


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
"""
SLOW_TABLES = """
CREATE FUNCTION slowly() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.2); END';
CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION slowly();
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The app's folder of migrations."""
    return tmp_path / "app" / "migrations"


async def test_what_takes_longer_than_a_statement_of_the_app_may_is_done(empty_postgres_url: str, folder: Path) -> None:
    async with open_migrating(empty_postgres_url, registry_of(plain()), folder, statement_timeout_seconds=1) as app:
        await app.migrations.init()
        await app.change("first")
        patch = await app.migrations.create_patch("slow")
        patch.write_text(PATCH.format(after="0001_first", statement="SELECT pg_sleep(1.2)"))
        assert await app.run() == [patch.stem]
        transaction = await app.migrations._store.global_driver.begin()
        await transaction.run_script("ALTER TABLE m_outbox DROP COLUMN key;" + SLOW_TABLES)
        await transaction.commit()
        assert await app.run() == []
        assert [*await app.migrations.verify()] == []


async def test_a_dry_run_ends_before_a_revision_that_needs_a_patch_to_have_run(
    bare_database_url: str, folder: Path
) -> None:
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        await app.migrations.init()
        await app.change("first")
        await app.store.store("Plain")
    region: Any = (str | None, None)
    async with open_migrating(bare_database_url, registry_of(plain(region=region)), folder) as app:
        await app.migrations.create("add region")
        patch = await app.migrations.create_patch("fill")
        patch.write_text(PATCH.format(after="0002_add_region", statement="UPDATE plain SET region = 'North'"))
        harmless = await app.migrations.create("harmless", empty=True)
        needing = await app.migrations.create("need region", empty=True)
        assert harmless is not None and needing is not None
        text = needing.path.read_text()
        needing.path.write_text(
            text.replace("    pass\n", '    m.set_not_nullable("plain", "region")\n', 1).replace(
                "\nrevision", "\nfrom framework_m import migrations as m\n\nrevision", 1
            )
        )
        if StoreCapability.TRANSACTIONAL_SCHEMA in app.store.capabilities:
            lines = [*await app.migrations.preview()]
            remarks = [line for line in lines if line.startswith("-- ")]
            assert remarks[-4:-1] == ["-- patch 0001_fill", "-- revision 0003_harmless", "-- revision 0004_need_region"]
            assert lines[-1].startswith("-- it fails until patch 0001_fill is run, so the preview ends here: ")
            assert "1 rows have no value" in lines[-1]
        assert await app.run() == ["0002_add_region", "0001_fill", "0003_harmless", "0004_need_region"]


async def test_what_fails_says_what_to_run_then(bare_database_url: str, folder: Path) -> None:
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        await app.migrations.init()
        await app.change("first")
        await app.migrations.create("empty", empty=True)
        await app.run()
        revision = folder / "versions" / "0002_empty.py"
        upgrade, way, back = revision.read_text().partition("def downgrade")
        revision.write_text(upgrade + way + back.replace("pass", "nonsense()"))
        with pytest.raises(MigrationError) as refused:
            await app.rollback()
        assert_names(refused.value, "downgrade of revision 0002_empty", "`m migrate rollback` again")
        revision.write_text(upgrade + way + back)
        await app.rollback()
        revision.write_text(upgrade.replace("pass", "nonsense()") + way + back)
        if StoreCapability.TRANSACTIONAL_SCHEMA in app.store.capabilities:
            with pytest.raises(MigrationError) as refused:
                await app.migrations.preview()
            assert_names(refused.value, "revision 0002_empty", "only tried", "fix")
        with pytest.raises(MigrationError) as refused:
            await app.run()
        assert_names(refused.value, "revision 0002_empty", "fix", "`m migrate run` again")


async def test_a_rollback_undoes_what_it_says_also_where_lines_were_merged(
    bare_database_url: str, folder: Path
) -> None:
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        await app.migrations.init()
        await app.change("first")
        for name, down in {
            "0002_b": "'0001_first'",
            "0003_c": "'0001_first'",
            "0004_d": "('0002_b', '0003_c')",
        }.items():
            (folder / "versions" / f"{name}.py").write_text(MERGED.format(name=name, down=down))
        assert await app.run() == ["0002_b", "0003_c", "0004_d"]
        assert await app.rollback(steps=2) == ["0004_d", "0003_c"]
        assert (await app.migrations.status()).revisions == ("0002_b",)
        assert await app.run() == ["0003_c", "0004_d"]
        assert await app.rollback() == ["0004_d"]
        assert (await app.migrations.status()).revisions == ("0002_b", "0003_c")
        assert await app.rollback(to="0001") == ["0003_c", "0002_b"]
        assert await app.run() == ["0002_b", "0003_c", "0004_d"]
        assert await app.rollback(to="base") == ["0004_d", "0003_c", "0002_b", "0001_first"]


async def test_a_lost_revision_is_told_whatever_is_asked(bare_database_url: str, folder: Path) -> None:
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        await app.migrations.init()
        await app.change("first")
        written = await app.migrations.create("second", empty=True)
        assert written is not None
        await app.run()
        written.path.unlink()
        [told] = await app.migrations.verify()
        assert_names(told, "revision 0002_second", "no file", "restore")
        for asked in (app.rollback, app.run, app.migrations.status):
            with pytest.raises(ConfigurationError) as refused:
                await asked()
            assert_names(refused.value, "0002_second", "no file")


async def test_rows_that_linked_to_nothing_before_are_not_put_down_to_a_revision(tmp_path: Path, folder: Path) -> None:
    async with open_migrating(f"sqlite:///{tmp_path / 'store.db'}", registry_of(plain()), folder) as app:
        await app.migrations.init()
        await app.change("first")
        with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
            connection.executescript(
                "CREATE TABLE theirs (id TEXT PRIMARY KEY, plain TEXT REFERENCES plain (id)) WITHOUT ROWID;"
                "INSERT INTO theirs VALUES ('a', 'nothing');"
            )
        for name, statement in {"fine": "SELECT 1", "bad": "INSERT INTO theirs VALUES ('b', 'nothing')"}.items():
            written = await app.migrations.create(name, empty=True)
            assert written is not None, name
            text = written.path.read_text().replace("    pass\n", f'    op.execute("{statement}")\n', 1)
            written.path.write_text(text.replace("\nrevision", "\nfrom alembic import op\n\nrevision", 1))
        run = app.migrations.apply()
        assert (await anext(run)).name == "0002_fine"
        with pytest.raises(MigrationError) as refused:
            await anext(run)
        assert_names(refused.value, "rows of theirs", "link", "rows of plain")
