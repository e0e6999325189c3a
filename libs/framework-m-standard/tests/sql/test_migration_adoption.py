"""A database of development that becomes one of migrations, where there are revisions already that others wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from framework_m_core.domain.errors import ConfigurationError, DuplicateValueError
from framework_m_core.domain.fields.field import Field
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_standard.sql.migrations.operations.executor import perform
from framework_m_standard.sql.schema.existing import read_with
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

from .migrating import open_migrating, plain, registry_of

NOTE: Any = (str | None, None)
FAX: Any = (str | None, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The app's folder of migrations."""
    return tmp_path / "app" / "migrations"


async def written_by_a_colleague(tmp_path: Path, folder: Path, *doctypes: type[Any]) -> None:
    async with open_migrating(f"sqlite:///{tmp_path / 'colleague.db'}", registry_of(*doctypes), folder) as colleague:
        await colleague.migrations.init()
        await colleague.change("first")


async def developed(url: str, tmp_path: Path, *doctypes: type[Any]) -> None:
    """A database whose tables development's start has made."""
    async with open_migrating(url, registry_of(*doctypes), tmp_path / "none" / "migrations") as mine:
        await mine.store.schema_mapper.sync()
        await mine.store.store("Plain")


async def test_what_my_tables_have_more_than_the_revisions_becomes_a_revision(
    bare_database_url: str, tmp_path: Path, folder: Path
) -> None:
    mine = plain(code=(int, 1), note=NOTE)
    await developed(bare_database_url, tmp_path, mine)
    await written_by_a_colleague(tmp_path, folder, plain(code=(int, 1)))
    async with open_migrating(bare_database_url, registry_of(mine), folder) as app:
        assert [*await app.migrations.init()] == [
            "adopted the tables as they are, at revision 0001_first",
            "wrote migrations/versions/0002_of_development.py with their further changes: new column plain.note",
        ]
        assert (await app.migrations.status()).revisions == ("0002_of_development",)
        assert (await app.migrations.status()).is_current
    async with open_migrating(f"sqlite:///{tmp_path / 'production.db'}", registry_of(mine), folder) as production:
        assert await production.run() == ["0001_first", "0002_of_development"]
        assert (await production.migrations.status()).is_current


async def test_what_revisions_keep_that_no_doctype_declares_is_made(
    bare_database_url: str, tmp_path: Path, folder: Path
) -> None:
    gone: Any = type("Gone", (plain(code=(int, 1)),), {"__module__": __name__})
    await developed(bare_database_url, tmp_path, plain(code=(int, 1)))
    await written_by_a_colleague(tmp_path, folder, plain(code=(int, 1), fax=FAX), gone)
    async with open_migrating(bare_database_url, registry_of(plain(code=(int, 1))), folder) as app:
        assert [*await app.migrations.init()] == ["adopted the tables as they are, at revision 0001_first"]
        said = await app.change("drop", drop=True)
        assert said[-2:] == ("drop column plain.fax with its data", "drop table gone with its data")


class Left(FakeDocType):
    """Links to the other, and to itself."""

    other: UUID | None = Field(default=None, link="Right")
    own: UUID | None = Field(default=None, link="Left")


class Right(FakeDocType):
    """Links back."""

    other: UUID | None = Field(default=None, link="Left")


def links_of(connection: sa.Connection) -> dict[str, list[tuple[str, str]]]:
    found = read_with(connection).links
    return {table: sorted((link.name, link.target) for link in found[table]) for table in ("left", "right")}


CIRCLE = {"left": [("other", "right"), ("own", "left")], "right": [("other", "left")]}


async def test_missing_tables_that_link_to_each_other_are_made(
    bare_database_url: str, tmp_path: Path, folder: Path
) -> None:
    """Each link is made once both of its tables are there."""
    mine = plain(code=(int, 1))
    await developed(bare_database_url, tmp_path, mine)
    await written_by_a_colleague(tmp_path, folder, mine, Left, Right)
    async with open_migrating(bare_database_url, registry_of(mine), folder) as app:
        assert [*await app.migrations.init()] == ["adopted the tables as they are, at revision 0001_first"]
        assert await app.migrations._database.work(links_of, keep=False) == CIRCLE
        assert (await app.migrations.status()).is_current


async def test_declared_tables_that_link_to_each_other_are_made(bare_database_url: str, folder: Path) -> None:
    async with open_migrating(bare_database_url, registry_of(Left, Right), folder) as app:
        migrations = app.migrations

        def work(connection: sa.Connection) -> None:
            perform(connection, migrations._comparison.find_changes(connection))
            assert migrations._comparison.find_changes(connection) == []

        await migrations._database.work(work)
        assert await migrations._database.work(links_of, keep=False) == CIRCLE


async def test_a_table_that_a_revision_makes_by_hand_is_made(
    bare_database_url: str, tmp_path: Path, folder: Path
) -> None:
    mine = plain(code=(int, 1))
    await developed(bare_database_url, tmp_path, mine)
    await written_by_a_colleague(tmp_path, folder, mine)
    revision = folder / "versions" / "0001_first.py"
    by_hand = 'op.create_table("rate", sa.Column("code", m.text(), primary_key=True), sa.Column("at", m.date()))'
    heading = '"""Apply the revision."""'
    revision.write_text(revision.read_text().replace(heading, f"{heading}\n    {by_hand}"))
    async with open_migrating(bare_database_url, registry_of(mine), folder) as app:
        assert [*await app.migrations.init()] == ["adopted the tables as they are, at revision 0001_first"]
        transaction = await app.migrations._store.global_driver.begin()
        await transaction.run_script("INSERT INTO rate (code, at) VALUES ('EUR', '2026-01-31')")
        with pytest.raises(DuplicateValueError):
            await transaction.run_script("INSERT INTO rate (code) VALUES ('EUR')")
        await transaction.rollback()
        assert (await app.migrations.status()).is_current


async def test_revisions_that_cannot_be_tried_take_nothing_over(
    bare_database_url: str, tmp_path: Path, folder: Path
) -> None:
    mine = plain(code=(int, 1))
    await developed(bare_database_url, tmp_path, mine)
    await written_by_a_colleague(tmp_path, folder, mine)
    revision = folder / "versions" / "0001_first.py"
    revision.write_text(
        revision.read_text().replace('"""Apply the revision."""', '"""Apply the revision."""\n    m.nonsense()')
    )
    async with open_migrating(bare_database_url, registry_of(mine), folder) as app:
        with pytest.raises(ConfigurationError, match=r", line \d+") as refused:
            await app.migrations.init()
        assert_names(refused.value, "0001_first.py", "empty database")
        assert (await app.migrations.status()).revisions == ()


async def test_links_to_tables_of_the_framework_do_not_stand_in_the_way(
    bare_database_url: str, tmp_path: Path, folder: Path
) -> None:
    def registry(*more: type[Any]) -> Registry:
        builder = RegistryBuilder()
        builder.add_doctype(type("Person", (FakeDocType,), {"__module__": __name__}), "framework_m")
        for doctype in (plain(person=(UUID | None, Field(default=None, link="Person"))), *more):
            builder.add_doctype(doctype, "samples")
        return builder.freeze()

    gone: Any = type(
        "Gone", (plain(person=(UUID | None, Field(default=None, link="Person"))),), {"__module__": __name__}
    )
    async with open_migrating(bare_database_url, registry(), tmp_path / "none" / "migrations") as mine:
        await mine.store.schema_mapper.sync()
    async with open_migrating(f"sqlite:///{tmp_path / 'colleague.db'}", registry(gone), folder) as colleague:
        await colleague.migrations.init()
        await colleague.change("first")
    async with open_migrating(bare_database_url, registry(), folder) as app:
        assert [*await app.migrations.init()] == ["adopted the tables as they are, at revision 0001_first"]
        assert (await app.migrations.status()).is_current
        await app.change("drop", drop=True)
