"""A database of development whose classes have other types than its tables, before there are migrations."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.errors import ConfigurationError, MigrationError
from framework_m_core.domain.fields.field import Field
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

from .migrating import Migrating, open_migrating, plain, registry_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The app's folder of migrations."""
    return tmp_path / "app" / "migrations"


def decimals(scale: int, **options: Any) -> Any:
    return (Decimal, Field(default=Decimal("1.5"), scale=scale, **options))


async def developed(url: str, folder: Path, *doctypes: type[Any], **values: Any) -> Any:
    """A document of `Plain` in tables that development's start has made."""
    async with open_migrating(url, registry_of(*doctypes), folder) as app:
        await app.store.schema_mapper.sync()
        return await app.store.store("Plain", **values)


async def finish(app: Migrating, first: str = "0001_initial", second: str = "0002_of_development") -> None:
    """Run the difference, after which nothing is to do, here and on an empty database."""
    status = await app.migrations.status()
    assert (status.revisions, [step.name for step in status.pending]) == ((first,), [second])
    assert await app.run() == [second]
    assert [*await app.migrations.verify()] == []
    assert not await app.store.schema_mapper.plan()


@pytest.mark.parametrize(
    ("before", "after", "given", "kept"),
    [
        (decimals(2), decimals(3), Decimal("2.25"), Decimal("2.250")),
        (decimals(2), (float, 1.5), Decimal("2.25"), 2.25),
        (decimals(2), (float | None, None), Decimal("2.25"), 2.25),
        ((int, 1), (str, ""), 7, "7"),
        ((int | None, None), (int, 3), None, 3),
        ((str, ""), (int, 3), "7", 7),
        ((str, ""), (int, Field(default=3, unique=True)), "7", 7),
        ((str, ""), (int, Field(default=3, index=True)), "7", 7),
        ((int, 1), (int | None, None), 7, 7),
    ],
)
async def test_init_adopts_the_tables_as_they_are(
    bare_database_url: str, tmp_path: Path, folder: Path, before: Any, after: Any, given: Any, kept: Any
) -> None:
    old = await developed(bare_database_url, folder, plain(value=before), value=given)
    later = registry_of(plain(value=after))
    async with open_migrating(bare_database_url, later, folder) as app:
        await app.migrations.init()
        if (await app.migrations.status()).pending:
            await finish(app)
        assert [*await app.migrations.verify()] == []
        assert (await app.store.load("Plain", old.id)).value == kept
    async with open_migrating(f"sqlite:///{tmp_path / 'production.db'}", later, folder) as production:
        await production.run()
        assert (await production.migrations.status()).is_current


async def test_text_that_becomes_a_link_is_linked_by_the_next_revision(
    bare_database_url: str, tmp_path: Path, folder: Path
) -> None:
    old = await developed(bare_database_url, folder, plain(other=(str | None, None)))
    linking = registry_of(plain(other=(UUID | None, Field(default=None, link="Plain"))))
    async with open_migrating(bare_database_url, linking, folder) as app:
        await app.migrations.init()
        await finish(app)
        assert (await app.store.load("Plain", old.id)).other is None


def _row(annotation: Any) -> type[Any]:
    class Row(FakeDocType):
        amount: annotation

        class Meta:
            is_child_table = True

    return Row


async def test_child_rows_are_adopted_alike(bare_database_url: str, folder: Path) -> None:
    row, wide = _row(int), _row(str)
    old = await developed(bare_database_url, folder, row, plain(rows=(list[row], [])), rows=[{"amount": 1}])  # type: ignore[valid-type]
    async with open_migrating(bare_database_url, registry_of(wide, plain(rows=(list[wide], []))), folder) as app:  # type: ignore[valid-type]
        await app.migrations.init()
        await finish(app)
        assert [one.amount for one in (await app.store.load("Plain", old.id)).rows] == ["1"]


async def test_the_start_tells_the_way(bare_database_url: str, folder: Path) -> None:
    await developed(bare_database_url, folder, plain(value=decimals(2)))
    async with open_migrating(bare_database_url, registry_of(plain(value=decimals(3))), folder) as app:
        with pytest.raises(ConfigurationError) as raised:
            await app.store.schema_mapper.sync()
        [error] = raised.value.errors
        assert error.startswith("plain.value: ") and "`m migrate init`" in error and "`m migrate run`" in error


async def test_create_leaves_the_types_to_a_second_revision(
    bare_database_url: str, tmp_path: Path, folder: Path
) -> None:
    async with open_migrating(bare_database_url, registry_of(plain()), folder) as app:
        await app.migrations.init()
        await developed(bare_database_url, tmp_path / "none", plain(value=decimals(2)))
    async with open_migrating(bare_database_url, registry_of(plain(value=decimals(3))), folder) as app:
        written = await app.migrations.create("initial")
        assert written is not None and "run `m migrate create` again" in written.advice[0]
        assert (await app.change())[0] == "plain.value changes from decimal(2) to decimal(3)"


async def test_values_that_cannot_be_converted_fail_the_run_and_not_the_init(
    bare_database_url: str, folder: Path
) -> None:
    await developed(bare_database_url, folder, plain(value=(str, "")), value="seven")
    async with open_migrating(bare_database_url, registry_of(plain(value=(int, 3))), folder) as app:
        await app.migrations.init()
        with pytest.raises(MigrationError) as refused:
            await app.run()
        assert_names(refused.value, "plain.value", "integer", "seven")


async def test_an_init_that_fails_leaves_no_folder(bare_database_url: str, folder: Path) -> None:
    for _ in range(2):
        await developed(bare_database_url, folder, plain(value=(str, "")), value="same")
    unique = registry_of(plain(value=(str, Field(default="", unique=True))))
    async with open_migrating(bare_database_url, unique, folder) as app:
        with pytest.raises(MigrationError, match="value"):
            await app.migrations.init()
        assert not await asyncio.to_thread(folder.exists)
        assert not (await app.migrations.status()).revisions
