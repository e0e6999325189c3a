"""What revisions do to collections and documents of MongoDB."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.errors import ConfigurationError, MigrationError
from framework_m_core.domain.fields.field import Field
from framework_m_testing.fakes.doctype import FakeDocType
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.migrations.conversion import ValueConverter
from framework_mx_mongo.migrations.lock import MigrationLock
from framework_mx_mongo.schema import batches
from framework_mx_mongo.schema.recorder import RECORDS
from framework_mx_mongo.settings import MongoSettings

from .migrating import Opened, open_migrating, plain, registry_of


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of two documents."""
    monkeypatch.setattr(batches, "BATCH", 2)
    monkeypatch.setattr("framework_mx_mongo.migrations.conversion.BATCH", 2)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, text
    path.write_text(text.replace(old, new))


def rewrite(path: Path, upgrade: str, downgrade: str = "pass") -> None:
    """Replaces the bodies of both functions."""
    head, _, rest = path.read_text().partition('    """Apply the revision."""\n')
    signature = rest[rest.index("async def downgrade") :].partition("\n")[0]
    path.write_text(f"{head}    {upgrade}\n\n\n{signature}\n    {downgrade}\n")


class Row(FakeDocType):
    what: str = ""
    rate: int = 0

    class Meta:
        is_child_table = True


VALUES: list[tuple[Any, Any, Any, Any]] = [
    (int, 12, str, "12"),
    (str, "12", int, 12),
    (str, "2.50", Decimal, Decimal("2.50")),
    (float, 0.5, str, "0.5"),
    (bool, True, int, 1),
    (date, date(2026, 1, 31), datetime, datetime(2026, 1, 31, tzinfo=UTC)),
    (str, "2026-01-31T12:00:00.000001Z", datetime, datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)),
    (UUID, UUID(int=7), str, str(UUID(int=7))),
]


@pytest.mark.parametrize(("before", "value", "after", "expected"), VALUES)
async def test_values_become_the_same_values_of_another_kind(
    opened: Opened, small_batches: None, before: Any, value: Any, after: Any, expected: Any
) -> None:
    first = plain(code=(before | None, None))
    later = plain(code=(after | None, Field(default=None, scale=2) if after is Decimal else None))
    async with opened(first) as app:
        await app.change("first")
        ids = [(await app.store.store("Plain", code=value)).id for _ in range(5)]
        empty = (await app.store.store("Plain", code=None)).id
    async with opened(later) as app:
        said = await app.change("another kind")
        assert any(line.startswith("Plain.code changes from") for line in said)
        assert [(await app.store.load("Plain", id)).code for id in ids] == [expected] * 5
        assert (await app.store.load("Plain", empty)).code is None
    async with opened(later) as app:
        assert await app.rollback() != []
    async with opened(first) as app:
        back = (await app.store.load("Plain", ids[0])).code
        assert back == value or str(back) == str(value)
        assert await app.driver.get_collection(RECORDS).find_one({"kind": "progress"}) is None


@pytest.mark.parametrize(("before", "value", "after", "expected"), VALUES)
async def test_a_revision_that_fails_after_a_conversion_can_be_repeated(
    opened: Opened, small_batches: None, before: Any, value: Any, after: Any, expected: Any
) -> None:
    later = plain(code=(after | None, Field(default=None, scale=2) if after is Decimal else None))
    async with opened(plain(code=(before | None, None))) as app:
        await app.change("first")
        ids = [(await app.store.store("Plain", code=value)).id for _ in range(5)]
    async with opened(later) as app:
        written = await app.migrations.create("another kind")
        assert written is not None
        whole = written.path.read_text()
        edit(written.path, "\n\n\nasync def downgrade", '\n    raise ValueError("later")\n\n\nasync def downgrade')
        with pytest.raises(MigrationError, match="later"):
            await app.run()
        written.path.write_text(whole)
        await app.run()
        await app.check()
        assert [(await app.store.load("Plain", id)).code for id in ids] == [expected] * 5
        assert await app.driver.get_collection(RECORDS).find_one({"kind": "progress"}) is None


async def test_a_value_that_cannot_be_converted_stops_the_revision_and_none_is_changed(opened: Opened) -> None:
    async with opened(plain(code=(str, ""))) as app:
        await app.change("first")
        await app.store.store("Plain", code="12")
        wrong = (await app.store.store("Plain", code="a dozen")).id
    async with opened(plain(code=(int, 0))) as app:
        written = await app.migrations.create("numbers")
        assert written is not None
        with pytest.raises(MigrationError, match="a dozen"):
            await app.run()
        stored = await app.driver.get_collection("Plain").find({}, {"code": 1}).to_list()
        assert {one["code"] for one in stored} == {"12", "a dozen"}
        await app.driver.get_collection("Plain").update_one({"_id": wrong}, {"$set": {"code": "13"}})
        assert await app.run() == [written.path.stem]
        await app.check()
        assert (await app.store.load("Plain", wrong)).code == 13


async def test_a_conversion_that_was_stopped_goes_on_where_it_was(
    opened: Opened, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kinds that are stored alike cannot be told apart, so a value must not be converted twice."""
    async with opened(plain(price=(Decimal, Field(default=Decimal(0), scale=2)))) as app:
        await app.change("first")
        for _ in range(7):
            await app.store.store("Plain", price=Decimal("1.50"))
    convert, calls = ValueConverter._convert_batch, 0

    async def stopped(self: ValueConverter, *given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ConnectionError("killed")
        return await convert(self, *given)

    async with opened(plain(price=(Decimal, Field(default=Decimal(0), scale=4)))) as app:
        await app.migrations.create("more places")
        with monkeypatch.context() as patched:
            patched.setattr(ValueConverter, "_convert_batch", stopped)
            with pytest.raises(MigrationError, match="killed"):
                await app.run()
        progress = await app.driver.get_collection(RECORDS).find_one({"kind": "progress"})
        assert progress is not None
        done = await app.driver.get_collection("Plain").count_documents({"_id": {"$lte": progress["after"]}})
        assert done == 4
        await app.run()
        await app.check()
        found = await app.driver.get_collection("Plain").find({}, {"price": 1}).to_list()
        assert [str(one["price"]) for one in found] == ["1.5000"] * 7


async def test_a_field_is_renamed_with_its_values_and_indexes(opened: Opened, small_batches: None) -> None:
    async with opened(plain(fax=(str, Field(default="none", unique=True)))) as app:
        await app.change("first")
        ids = [(await app.store.store("Plain", fax=f"n{number}")).id for number in range(5)]
    async with opened(plain(phone=(str, Field(default="none", unique=True)))) as app:
        written = await app.migrations.create("rename")
        assert written is not None
        assert 'await database.rename_field("Plain", "fax", "phone")' in written.path.read_text()
        rename = 'await database.rename_field("Plain", {}, {})'
        rewrite(written.path, rename.format('"fax"', '"phone"'), rename.format('"phone"', '"fax"'))
        await app.run()
        await app.check()
        assert [(await app.store.load("Plain", id)).phone for id in ids] == [f"n{number}" for number in range(5)]
        assert await app.driver.get_collection("Plain").count_documents({"fax": {"$exists": True}}) == 0
        await app.rollback()
        assert await app.driver.get_collection("Plain").count_documents({"fax": "n3"}) == 1
        await app.run()
        await app.check()


@pytest.mark.parametrize(("old", "new"), [("fax", "phone"), ("rows.what", "rows.rate")])
async def test_a_rename_replaces_no_other_field(opened: Opened, old: str, new: str) -> None:
    fields = {"fax": (str, "none"), "phone": (str, "none"), "rows": (list[Row], [])}
    async with opened(plain(**fields)) as app:
        await app.change("first")
        stored = await app.store.store("Plain", fax="f", phone="p", rows=[{"what": "x", "rate": 3}])
        written = await app.migrations.create("rename", empty=True)
        assert written is not None
        rename = f'    await database.rename_field("Plain", "{old}", "{new}")'
        rewrite(written.path, rename.strip(), rename.strip())
        with pytest.raises(MigrationError):
            await app.run()
        kept = await app.store.load("Plain", stored.id)
        assert (kept.fax, kept.phone, kept.rows[0].what, kept.rows[0].rate) == ("f", "p", "x", 3)


async def test_fields_of_child_rows_are_renamed_and_converted(opened: Opened) -> None:
    async with opened(plain(rows=(list[Row], []))) as app:
        await app.change("first")
        id = (await app.store.store("Plain", rows=[{"what": "x", "rate": 3}, {"what": "y", "rate": 4}])).id

    class Other(FakeDocType):
        name_of: str = ""
        rate: str = ""

        class Meta:
            is_child_table = True

    Other.__name__ = "Row"
    async with opened(plain(rows=(list[Other], []))) as app:
        written = await app.migrations.create("rows")
        assert written is not None
        edit(
            written.path,
            'await database.set_row_field("Plain", "rows.name_of", None, "text")',
            'await database.rename_field("Plain", "rows.what", "rows.name_of")',
        )
        await app.run()
        await app.check()
        rows = (await app.store.load("Plain", id)).rows
        assert [(row.name_of, row.rate) for row in rows] == [("x", "3"), ("y", "4")]


async def test_a_doctype_is_renamed_with_documents_events_and_counters(opened: Opened) -> None:
    class Customer(FakeDocType):
        title: str = Field(default="", unique=True)

    class Client(FakeDocType):
        title: str = Field(default="", unique=True)

    async with opened(Customer) as app:
        await app.change("first")
        id = (await app.store.store("Customer", title="Ada")).id
        await app.store.counter.allocate(app.store.context, "Customer:C-", 5)
    async with opened(Client) as app:
        written = await app.migrations.create("rename customer", empty=True)
        assert written is not None
        rename = "await database.rename_doctype({}, {})"
        rewrite(written.path, rename.format('"Customer"', '"Client"'), rename.format('"Client"', '"Customer"'))
        await app.run()
        await app.check()
        assert (await app.store.load("Client", id)).title == "Ada"
        assert await app.store.counter.allocate(app.store.context, "Client:C-") == 6
        assert "Customer" not in await app.driver.database.list_collection_names()


async def test_a_required_field_without_a_default_needs_a_value(opened: Opened) -> None:
    async with opened(plain(code=(int, 1))) as app:
        await app.change("first")
        id = (await app.store.store("Plain")).id
    async with opened(plain(code=(int, 1), title=(str,))) as app:
        written = await app.migrations.create("title")
        assert written is not None
        assert any("fill=" in line for line in written.advice)
        with pytest.raises(MigrationError, match="fill="):
            await app.run()
        edit(written.path, "nullable=False)", 'nullable=False), fill="untitled"')
        await app.run()
        await app.check()
        assert (await app.store.load("Plain", id)).title == "untitled"


async def test_equal_values_cannot_become_unique(opened: Opened) -> None:
    async with opened(plain(code=(int, 1))) as app:
        await app.change("first")
        first, _ = [await app.store.store("Plain") for _ in range(2)]
    async with opened(plain(code=(int, Field(default=1, unique=True)))) as app:
        await app.migrations.create("unique")
        with pytest.raises(MigrationError, match="code"):
            await app.run()
        await app.driver.get_collection("Plain").update_one({"_id": first.id}, {"$set": {"code": 2}})
        await app.run()
        await app.check()


async def test_the_drop_of_a_field_takes_its_values(opened: Opened, small_batches: None) -> None:
    async with opened(plain(code=(int, 1), rows=(list[Row], []))) as app:
        await app.change("first")
        for _ in range(3):
            await app.store.store("Plain", rows=[{"what": "x"}])
    async with opened(plain()) as app:
        assert await app.change("indexes of what is gone") == ("drop index Plain.uq_rows.id",)
        await app.change("drop", drop=True)
        found = await app.driver.get_collection("Plain").find().to_list()
        assert not [one for one in found if "code" in one or "rows" in one]
        assert await app.store.store("Plain")


async def test_updates_of_documents_are_repeated_in_batches(opened: Opened, small_batches: None) -> None:
    async with opened(plain(code=(int, 1))) as app:
        await app.change("first")
        for code in range(5):
            await app.store.store("Plain", code=code)
        written = await app.migrations.create("cap", empty=True)
        assert written is not None
        rewrite(written.path, 'await database.update("Plain", {"code": {"$gt": 2}}, {"$set": {"code": 2}})')
        assert any("update documents" in line for line in await app.migrations.preview())
        await app.run()
        found = await app.driver.get_collection("Plain").find({}, {"code": 1}).to_list()
        assert sorted(one["code"] for one in found) == [0, 1, 2, 2, 2]


async def test_an_update_stores_only_what_the_fields_allow(opened: Opened) -> None:
    async with opened(plain(code=(int, 1))) as app:
        await app.change("first")
        id = (await app.store.store("Plain", code=5)).id
        written = await app.migrations.create("wrong", empty=True)
        assert written is not None
        rewrite(written.path, 'await database.update("Plain", {}, {"$set": {"code": "text"}})')
        with pytest.raises(MigrationError):
            await app.run()
        assert (await app.store.load("Plain", id)).code == 5


async def test_the_lock_of_a_killed_run_is_taken_after_its_lease(opened: Opened) -> None:
    async with opened(plain()) as app, asyncio.timeout(20):
        killed = MigrationLock(app.driver, lease_seconds=0.5)
        held = killed.hold()
        await held.__aenter__()
        [beating] = [task for task in asyncio.all_tasks() if "_beat" in repr(task.get_coro())]
        beating.cancel()
        async with MigrationLock(app.driver, lease_seconds=0.5).hold():
            with pytest.raises(MigrationError, match="took over"):
                await app.driver.within(lambda transaction: _check(killed, transaction))
        await held.__aexit__(None, None, None)
        async with MigrationLock(app.driver).hold():
            pass


async def _check(lock: MigrationLock, transaction: Transaction) -> None:
    await lock.check(transaction)


async def test_a_start_leaves_the_schema_to_migrations(opened: Opened) -> None:
    async with opened(plain()) as app:
        assert not await app.store.schema_mapper.is_migrated()
        await app.change("first")
        assert await app.store.schema_mapper.is_migrated()
        assert list(await app.store.schema_mapper.sync()) == []
    async with opened(plain(code=(int, 1))) as app:
        with pytest.raises(ConfigurationError, match="m migrate"):
            await app.store.schema_mapper.sync()
        assert "code" not in (await app.driver.database["m_schema"].find_one({"_id": "Plain"}) or {})["columns"]


async def test_collections_of_development_are_adopted_at_the_newest_revision(
    opened: Opened, mongo_settings: MongoSettings, tmp_path: Path
) -> None:
    """A colleague's database, made by development's sync, comes under the revisions of the app."""
    async with opened(plain(code=(int, 1))) as app:
        await app.change("first")
    other = mongo_settings.model_copy(update={"database": f"{mongo_settings.database}_other"})
    async with open_migrating(other, registry_of(plain(code=(int, 1))), tmp_path / "elsewhere") as app:
        await app.store.schema_mapper.sync()
        id = (await app.store.store("Plain", code=5)).id
    folder = tmp_path / "app" / "migrations"
    async with open_migrating(other, registry_of(plain(code=(int, 1), more=(str, "x"))), folder) as app:
        try:
            done = list(await app.migrations.init())
            assert any("further changes" in line for line in done)
            assert (await app.migrations.status()).is_current
            await app.check()
            assert (await app.store.load("Plain", id)).more == "x"
        finally:
            await app.driver.database.client.drop_database(other.database)
