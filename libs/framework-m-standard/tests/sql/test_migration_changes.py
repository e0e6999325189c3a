"""Every change of a DocType as a revision: nothing else is in it, what is stored stays, and it can be undone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.errors import ConfigurationError, DuplicateValueError, MigrationError
from framework_m_core.domain.fields.field import Field
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_standard.sql.migrations.autogenerate.rendering import _CODE, _SENTENCES
from framework_m_standard.sql.schema.changes import ORDER, Change, KeepColumn, KeepTable
from framework_m_testing.fakes.doctype import FakeDocType
from framework_m_testing.harness import build_sample_registry
from framework_m_testing.samples.doctypes import Colour
from tests.errors import assert_names

from .migrating import OpenMigrations, first, plain, registry_of

AWKWARD = 'it\'s 100% \\ "new" :x $1 ? {}'


async def test_the_sample_doctypes_leave_nothing_to_do(opened: OpenMigrations) -> None:
    async with opened(build_sample_registry()) as app:
        said = await app.change("initial")
        assert said == ("new table shelf", "new table thing", "new table thing__slots")
        shelf = await app.store.store("Shelf", label="a")
        thing = await app.store.store("Thing", shelf=shelf.id, slots=[{"what": "x", "shelf": shelf.id}])
        assert (await app.store.load("Thing", thing.id)).slots[0].shelf == shelf.id
        with pytest.raises(DuplicateValueError):
            await app.store.store("Shelf", label="a")


class Shown(FakeDocType):
    """One that a user interface shows among the framework's own."""

    class Meta:
        module = "framework_m"


async def test_a_doctype_that_is_shown_as_the_frameworks_is_migrated_as_its_apps(opened: OpenMigrations) -> None:
    async with opened(registry_of(Shown)) as app:
        assert list(await app.change("first")) == ["new table shown"]


class Row(FakeDocType):
    """What the longest names hold."""

    what: str

    class Meta:
        is_child_table = True


async def test_the_longest_names_settle(opened: OpenMigrations) -> None:
    """A child table of both has more letters than PostgreSQL takes: its name is cut and hashed."""
    longest, rows = "L" + "o" * 39, {"f" * 40: list[Row], "f" * 39 + "g": list[Row]}
    members = {"__annotations__": rows, "__module__": __name__, **{name: [] for name in rows}}
    async with opened(registry_of(Row, type(longest, (FakeDocType,), members))) as app:
        tables = [line.removeprefix("new table ") for line in await app.change("first")]
        assert len(tables) == 3 and max(map(len, tables)) <= 63
        stored = await app.store.store(longest, **{name: [{"what": name}] for name in rows})
        loaded = await app.store.load(longest, stored.id)
        assert [getattr(loaded, name)[0].what for name in rows] == [*rows]


async def test_new_fields_give_stored_rows_their_defaults(opened: OpenMigrations) -> None:
    new: dict[str, Any] = {
        "text": (str, AWKWARD),
        "number": (int, -3),
        "ratio": (float, 0.25),
        "flag": (bool, True),
        "price": (Decimal, Field(default=Decimal("9.90"), scale=2)),
        "day": (date, date(2026, 1, 31)),
        "moment": (datetime, datetime(2026, 1, 31, 12, 0, 0, 7, tzinfo=UTC)),
        "colour": (Colour, Colour.BLUE),
        "tags": (list[str], [AWKWARD]),
        "key": (UUID, UUID(int=7)),
        "note": (str | None, "a note"),
        "empty": (str | None, None),
    }
    old = await first(opened, plain(code=(str, "same")))
    async with opened(registry_of(plain(code=(str, "same"), **new))) as app:
        assert list(await app.change()) == [f"new column plain.{name}" for name in new]
        found, expected = await app.store.load("Plain", old.id), app.store.new("Plain")
        for name in new:
            assert getattr(found, name) == getattr(expected, name), name
    async with opened(registry_of(plain(code=(str, "same")))) as app:
        assert await app.rollback() == ["0002_change"]
        assert (await app.store.load("Plain", old.id)).code == "same"


class Loan(FakeDocType):
    note: str = ""


class Lent(Loan):
    class Meta:
        submittable = True


Lent.__name__ = Loan.__name__  # a later version of the same DocType


async def test_a_doctype_becomes_submittable_and_stops_being_so(opened: OpenMigrations) -> None:
    """Its link to the amended document comes and goes, with its indexes and its foreign key."""
    async with opened(registry_of(Loan)) as app:
        await app.change("first")
        old = await app.store.store("Loan", note="kept")
    async with opened(registry_of(Lent)) as app:
        assert "new column loan.amended_from" in await app.change()
        assert (await app.store.load("Loan", old.id)).amended_from is None
        await app.store.store("Loan", amended_from=old.id)
        with pytest.raises(DuplicateValueError):
            await app.store.store("Loan", amended_from=old.id)
        assert await app.rollback() == ["0002_change"]
    async with opened(registry_of(Loan)) as app:
        assert (await app.store.load("Loan", old.id)).note == "kept"


async def test_a_new_field_that_needs_a_value_stops_where_rows_have_none(
    opened: OpenMigrations, tmp_path: Path
) -> None:
    old = await first(opened, plain())
    async with opened(registry_of(plain(tax=(str,)))) as app:
        written = await app.migrations.create("add tax")
        assert written is not None
        assert "plain.tax becomes required" in written.advice[0] and "fill=…" in written.path.read_text()
        with pytest.raises(MigrationError, match=r", line \d+: ") as refused:
            await app.run()
        assert_names(refused.value, "migrations/versions/0002_add_tax.py", "plain.tax")
        assert (await app.migrations.status()).revisions == ("0001_first",)
        code = written.path.read_text().replace("nullable=False))", 'nullable=False), fill="T-1")')
        written.path.write_text(code)
        assert await app.run() == ["0002_add_tax"]
        assert (await app.store.load("Plain", old.id)).tax == "T-1"
        assert await app.migrations.create("again") is None


def _row() -> type[Any]:
    class Row(FakeDocType):
        what: str

        class Meta:
            is_child_table = True

    return Row


def _wide_row() -> type[Any]:
    class Row(FakeDocType):
        what: str
        amount: Decimal = Field(default=Decimal("1.5"), scale=2)

        class Meta:
            is_child_table = True

    return Row


async def test_child_rows_get_new_fields_and_a_gone_child_table_is_kept(opened: OpenMigrations) -> None:
    row, wide = _row(), _wide_row()
    old = await first(opened, row, plain(rows=(list[row], [])), rows=[{"what": "a"}, {"what": "b"}])  # type: ignore[valid-type]
    async with opened(registry_of(wide, plain(rows=(list[wide], [])))) as app:  # type: ignore[valid-type]
        assert await app.change() == ("new column plain__rows.amount",)
        found = await app.store.load("Plain", old.id)
        assert [(one.what, one.amount) for one in found.rows] == [("a", Decimal("1.50")), ("b", Decimal("1.50"))]
    async with opened(registry_of(plain())) as app:
        assert await app.migrations.create("nothing") is None
        assert await app.change("drop", drop=True) == (
            "drop index ix_plain__rows_parent_idx",
            "drop table plain__rows with its data",
        )
        assert await app.rollback() == ["0003_drop"]


async def test_a_gone_field_is_kept_and_does_not_stand_in_the_way(opened: OpenMigrations) -> None:
    old = await first(opened, plain(fax=(str,), code=(int, 1)), fax="123")
    async with opened(registry_of(plain(code=(int, 1)))) as app:
        written = await app.migrations.create("no fax")
        assert written is not None
        assert written.changes == ("plain.fax becomes optional",)
        assert "no longer declared; it is kept" in written.advice[0]
        assert '# kept with its data; to drop it: m.drop_column("plain", "fax")' in written.path.read_text()
        await app.run()
        await app.store.store("Plain")
        assert await app.migrations.create("again") is None
    async with opened(registry_of(plain(fax=(str | None, None), code=(int, 1)))) as app:
        assert (await app.store.load("Plain", old.id)).fax == "123"
    async with opened(registry_of(plain(code=(int, 1)))) as app:
        assert await app.change("drop fax", drop=True) == ("drop column plain.fax with its data",)
        assert (await app.store.load("Plain", old.id)).code == 1
        assert await app.rollback() == ["0003_drop_fax"]


async def test_a_field_becomes_optional_and_required_again(opened: OpenMigrations) -> None:
    old = await first(opened, plain(note=(str,)), note="own")
    async with opened(registry_of(plain(note=(str | None, None)))) as app:
        assert await app.change("optional") == ("plain.note becomes optional",)
        empty = await app.store.store("Plain", note=None)
    async with opened(registry_of(plain(note=(str, "filled")))) as app:
        assert await app.change("required") == ("plain.note becomes required",)
        found = [await app.store.load("Plain", one.id) for one in (old, empty)]
        assert [one.note for one in found] == ["own", "filled"]


async def test_uniqueness_follows_the_doctype_both_ways(opened: OpenMigrations) -> None:
    await first(opened, plain(code=(str, "same")))
    async with opened(registry_of(plain(code=(str, Field(default="same", unique=True))))) as app:
        assert await app.change("unique") == ("new unique index uq_plain_code",)
        with pytest.raises(DuplicateValueError):
            await app.store.store("Plain")
    async with opened(registry_of(plain(code=(str, Field(default="same", index=True))))) as app:
        assert await app.change("index") == ("drop index uq_plain_code", "new index ix_plain_code")
        await app.store.store("Plain")
    async with opened(registry_of(plain(code=(str, Field(default="same", unique=True))))) as app:
        await app.migrations.create("unique once more")
        with pytest.raises(MigrationError) as refused:
            await app.run()
        assert_names(refused.value, "plain", "equal in code", "unique")
        assert await app.store.store("Plain")


async def test_the_way_back_of_a_drop_is_told_in_kinds_of_fields(opened: OpenMigrations) -> None:
    class Gone(FakeDocType):
        code: str = Field(default="x", unique=True)
        price: Decimal = Field(default=Decimal(1), scale=2)
        at: datetime | None = None
        tags: list[str] = []
        plain: UUID | None = Field(default=None, link="Plain")

    row = _row()
    rows: Any = list[row]  # type: ignore[valid-type]
    both = registry_of(row, Gone, plain(code=(str, Field(default="x", unique=True)), rows=(rows, [])))
    async with opened(both) as app:
        await app.change("first")
    async with opened(registry_of(plain(code=(str, "x")))) as app:
        written = await app.migrations.create("drop", drop=True)
        assert written is not None
        back = written.path.read_text().partition("def downgrade")[2]
        assert 'm.add_unique("plain", ["code"])' in back
        assert not any(word in back for word in ("sqlite_where", "postgresql", "KindText", "Text("))
        await app.run()
        assert await app.rollback() == [written.path.stem]
    async with opened(both) as app:
        assert [*await app.migrations.diff()] == []


async def test_links_come_and_go(opened: OpenMigrations) -> None:
    class Target(FakeDocType):
        label: str = ""

    old = await first(opened, Target, plain(code=(int, 1)))
    linked = plain(code=(int, 1), target=(UUID | None, Field(default=None, link="Target")))
    async with opened(registry_of(Target, linked)) as app:
        said = await app.change("link")
        assert said == (
            "new column plain.target",
            "plain.target links to target",
            "new index ix_plain_target",
        )
        target = await app.store.store("Target")
        await app.store.store("Plain", target=target.id)
    async with opened(registry_of(Target, plain(code=(int, 1), target=(UUID | None, None)))) as app:
        said = await app.change("no link")
        assert said == ("drop index ix_plain_target", "plain.target no longer links to another table")
        assert (await app.store.load("Plain", old.id)).code == 1
        assert await app.rollback(steps=2) == ["0003_no_link", "0002_link"]


async def test_doctypes_that_link_to_each_other(opened: OpenMigrations) -> None:
    class Left(FakeDocType):
        other: UUID | None = Field(default=None, link="Right")
        own: UUID | None = Field(default=None, link="Left")

    class Right(FakeDocType):
        other: UUID | None = Field(default=None, link="Left")

    async with opened(registry_of(Left, Right)) as app:
        await app.change("circle")
        left = await app.store.store("Left")
        await app.store.store("Right", other=left.id)
        assert await app.rollback(to="base") == ["0001_circle"]
        assert await app.run() == ["0001_circle"]


async def test_what_others_made_is_left_alone(opened: OpenMigrations, bare_database_url: str) -> None:
    await first(opened, plain(code=(int, 1)))
    async with opened(registry_of(plain(code=(int, 1)))) as app:
        transaction = await app.migrations._store.global_driver.begin()
        await transaction.run_script("CREATE TABLE theirs (id TEXT)")
        await transaction.run_script("CREATE INDEX fast ON plain (code)")
        if "mariadb" not in bare_database_url:  # which has no index on an expression
            await transaction.run_script("CREATE INDEX ix_theirs ON plain (upper(name))")
        if "postgresql" in bare_database_url:
            await transaction.run_script("COMMENT ON TABLE plain IS 'all'; COMMENT ON COLUMN plain.code IS 'a code'")
        await transaction.commit()
        assert await app.migrations.create("nothing") is None
        assert list(await app.migrations.verify()) == []
        assert not await app.store.schema_mapper.plan()


async def test_every_change_has_its_code_and_its_sentence() -> None:
    assert {kind.__name__ for kind in Change.__subclasses__()} == {kind.__name__ for kind in ORDER}
    assert set(ORDER) == set(_CODE) == set(_SENTENCES) | {KeepColumn, KeepTable}


async def test_drift_is_told(opened: OpenMigrations) -> None:
    await first(opened, plain(code=(int, 1)))
    async with opened(registry_of(plain(code=(int, 1)))) as app:
        driver = app.migrations._store.global_driver
        of_plain, of_outbox = (" ON plain", " ON m_outbox") if driver.name == "mariadb" else ("", "")
        transaction = await driver.begin()
        await transaction.run_script(f"DROP INDEX ix_plain_owner_creation_id{of_plain}")
        await transaction.run_script("ALTER TABLE plain DROP COLUMN code")
        await transaction.run_script(f"DROP INDEX ix_m_outbox_former{of_outbox}")
        await transaction.commit()
        assert list(await app.migrations.verify()) == [
            "the framework's own tables lack 1 changes: `m migrate run` makes them",
            "new column plain.code",
            "new index ix_plain_owner_creation_id",
        ]
        assert not (await app.migrations.status()).is_current


async def test_a_dry_run_tells_every_statement(opened: OpenMigrations) -> None:
    async with opened(registry_of(plain(code=(int, 1)))) as app:
        await app.migrations.create("first")
        if StoreCapability.TRANSACTIONAL_SCHEMA not in app.store.capabilities:
            with pytest.raises(ConfigurationError):
                await app.migrations.preview()
            return
        lines = list(await app.migrations.preview())
        assert lines[0].startswith("CREATE TABLE") and "-- revision 0001_first" in lines
        assert any(line.startswith("CREATE TABLE plain") for line in lines)


async def test_a_revision_is_written_from_a_database_that_is_up_to_date(opened: OpenMigrations) -> None:
    async with opened(registry_of(plain())) as app:
        await app.migrations.create("first")
        with pytest.raises(ConfigurationError) as refused:
            await app.migrations.create("second")
        assert_names(refused.value, "behind", "0001_first")
        empty = await app.migrations.create("by hand", empty=True)
        assert empty is not None and "pass" in empty.path.read_text()
        assert await app.run() == ["0001_first", "0002_by_hand"]
