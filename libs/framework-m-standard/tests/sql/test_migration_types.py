"""A field of another kind: it is seen, and what is stored is converted exactly or the revision stops."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.errors import MigrationError
from framework_m_core.domain.fields.field import Field
from tests.errors import assert_names

from .migrating import OpenMigrations, first, open_migrating, plain, registry_of


async def test_a_type_is_changed_with_what_is_stored(opened: OpenMigrations) -> None:
    old = await first(opened, plain(code=(str,), price=(str, "12.50")), code="42")
    wanted = plain(code=(int,), price=(Decimal, Field(default=Decimal(0), scale=2)))
    async with opened(registry_of(wanted)) as app:
        said = await app.change("numbers")
        assert said == ("plain.code changes from text to integer", "plain.price changes from text to decimal(2)")
        found = await app.store.load("Plain", old.id)
        assert (found.code, found.price) == (42, Decimal("12.50"))


async def test_the_places_of_a_decimal_are_changed_with_what_is_stored(opened: OpenMigrations) -> None:
    def priced(scale: int) -> type[Any]:
        return plain(price=(Decimal, Field(default=Decimal(0), scale=scale)))

    old = await first(opened, priced(2), price=Decimal("12.50"))
    async with opened(registry_of(priced(4))) as app:
        assert await app.change("finer") == ("plain.price changes from decimal(2) to decimal(4)",)
        assert (await app.store.load("Plain", old.id)).price == Decimal("12.5000")
        assert list(await app.migrations.verify()) == []
    async with opened(registry_of(priced(1))) as app:
        await app.change("coarser")
        assert (await app.store.load("Plain", old.id)).price == Decimal("12.5")
    async with opened(registry_of(priced(0))) as app:
        await app.migrations.create("whole")
        with pytest.raises(MigrationError) as refused:
            await app.run()
        assert_names(refused.value, "plain.price", "decimal(0", "1 rows", "'12.5'")
    async with opened(registry_of(priced(1))) as app:
        assert (await app.store.load("Plain", old.id)).price == Decimal("12.5")


async def test_a_value_that_cannot_be_converted_stops_the_revision(opened: OpenMigrations) -> None:
    old = await first(opened, plain(code=(str,)), code="forty-two")
    async with opened(registry_of(plain(code=(int,)))) as app:
        await app.migrations.create("numbers")
        with pytest.raises(MigrationError, match=r"0002_numbers.*forty-two"):
            await app.run()
    async with opened(registry_of(plain(code=(str,)))) as app:
        assert (await app.store.load("Plain", old.id)).code == "forty-two"


KINDS: dict[str, Any] = {
    "text": (str | None, None),
    "date": (date | None, None),
    "datetime": (datetime | None, None),
    "uuid": (UUID | None, None),
    "json": (list[str] | None, None),
}


@pytest.mark.parametrize("before", KINDS)
async def test_a_change_of_kind_is_seen_whatever_it_is_kept_as(opened: OpenMigrations, before: str) -> None:
    await first(opened, plain(value=KINDS[before]))
    for after in KINDS.keys() - {before}:
        async with opened(registry_of(plain(value=KINDS[after]))) as app:
            assert [*await app.migrations.diff()] == [f"plain.value changes from {before} to {after}"]


async def test_tables_that_name_no_kinds_are_taken_as_they_are(tmp_path: Path) -> None:
    url, folder = f"sqlite:///{tmp_path / 'old.db'}", tmp_path / "app" / "migrations"
    doctype = plain(day=(date | None, None), price=(Decimal, Field(default=Decimal(1), scale=2)))
    async with open_migrating(url, registry_of(doctype), folder) as app:
        await app.store.schema_mapper.sync()
        old = await app.store.store("Plain", day=date(2026, 1, 31))
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection:
        connection.executescript(
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(replace(replace(replace(sql, "
            "'TEXT_UUID', 'TEXT'), 'TEXT_DATETIME', 'TEXT'), 'TEXT_DATE', 'TEXT'), 'TEXT_JSON', 'TEXT'); "
            "DELETE FROM m_schema"
        )
    wider = plain(day=(date | None, None), price=(Decimal, Field(default=Decimal(1), scale=2)), at=KINDS["datetime"])
    async with open_migrating(url, registry_of(wider), folder) as app:
        assert [*await app.store.schema_mapper.sync()] == ["ALTER TABLE plain ADD COLUMN at TEXT_DATETIME"]
        await app.migrations.init()
        assert (await app.migrations.status()).is_current
        assert (await app.store.load("Plain", old.id)).day == date(2026, 1, 31)
    needed = plain(
        day=(date, date(2026, 1, 1)), price=(Decimal, Field(default=Decimal(1), scale=2)), at=KINDS["datetime"]
    )
    async with open_migrating(url, registry_of(needed), folder) as app:
        assert await app.change("day") == ("plain.day becomes required",)
        assert [*await app.store.schema_mapper.plan()] == []


DAY, MOMENT, ID = date(2026, 1, 31), datetime(2026, 1, 31, 12, 30, 0, 7, tzinfo=UTC), UUID(int=7)
MIDNIGHT = datetime(2026, 1, 31, tzinfo=UTC)
PLACES: dict[str, Any] = {f"decimal({scale})": (Decimal | None, Field(default=None, scale=scale)) for scale in (2, 4)}
OF: dict[str, Any] = {
    **KINDS,
    **PLACES,
    "integer": (int | None, None),
    "float_": (float | None, None),
    "boolean": (bool | None, None),
}


KEPT = [
    ("text", "-42", "integer", -42),
    ("text", "12.5", "decimal(2)", Decimal("12.50")),
    ("text", "0.1", "float_", 0.1),
    ("text", "2026-01-31", "date", DAY),
    ("text", "2026-01-31T13:30:00.000007+01:00", "datetime", MOMENT),
    ("text", "2026-01-31 12:30:00.000007", "datetime", MOMENT),
    ("text", str(ID), "uuid", ID),
    ("text", '["a"]', "json", ["a"]),
    ("text", "true", "boolean", True),
    ("integer", 7, "text", "7"),
    ("integer", 7, "decimal(2)", Decimal("7.00")),
    ("integer", 1, "boolean", True),
    ("boolean", False, "integer", 0),
    ("boolean", False, "text", "false"),
    ("float_", 2.0, "integer", 2),
    ("float_", 2.75, "decimal(2)", Decimal("2.75")),
    ("decimal(2)", Decimal("12.50"), "text", "12.50"),
    ("decimal(2)", Decimal("12.00"), "integer", 12),
    ("decimal(2)", Decimal("12.50"), "float_", 12.5),
    ("decimal(4)", Decimal("12.5000"), "decimal(2)", Decimal("12.50")),
    ("date", DAY, "datetime", MIDNIGHT),
    ("date", DAY, "text", "2026-01-31"),
    ("datetime", MIDNIGHT, "date", DAY),
    ("datetime", MOMENT, "text", "2026-01-31T12:30:00.000007Z"),
    ("uuid", ID, "text", str(ID)),
]
LOST = [
    ("text", "555-1234", "integer"),
    ("text", "12.75", "integer"),
    ("text", "007", "integer"),
    ("text", "12.505", "decimal(2)"),
    ("text", "0.12345678901234567890", "float_"),
    ("text", "hello", "date"),
    ("text", "2026-01-31T12:00:00.0000001", "datetime"),
    ("text", "hello", "uuid"),
    ("text", "hello", "json"),
    ("text", "[NaN]", "json"),
    ("text", "yes", "boolean"),
    ("integer", 2**53 + 1, "float_"),
    ("integer", 2, "boolean"),
    ("float_", 2.75, "integer"),
    ("float_", 2.755, "decimal(2)"),
    ("decimal(2)", Decimal("12.50"), "integer"),
    ("decimal(4)", Decimal("12.5050"), "decimal(2)"),
    ("datetime", MOMENT, "date"),
    ("uuid", ID, "integer"),
]


async def test_values_become_the_same_values_of_another_kind(opened: OpenMigrations) -> None:
    fields = {f"f{number}": case for number, case in enumerate(KEPT)}
    before = plain(**{name: OF[kind] for name, (kind, _, _, _) in fields.items()})
    old = await first(opened, before, **{name: value for name, (_, value, _, _) in fields.items()})
    async with opened(registry_of(plain(**{name: OF[kind] for name, (_, _, kind, _) in fields.items()}))) as app:
        said = await app.change()
        assert [*said] == [f"plain.{name} changes from {case[0]} to {case[2]}" for name, case in fields.items()]
        found = await app.store.load("Plain", old.id)
        for name, (_, value, kind, expected) in fields.items():
            assert (kind, value, getattr(found, name)) == (kind, value, expected)
            assert isinstance(getattr(found, name), type(expected))


async def test_a_value_that_another_would_come_of_stops_the_revision(opened: OpenMigrations) -> None:
    fields = {f"f{number}": case for number, case in enumerate(LOST)}
    kinds = {name: OF[kind] for name, (kind, _, _) in fields.items()}
    old = await first(opened, plain(**kinds), **{name: value for name, (_, value, _) in fields.items()})
    for name, (_, value, kind) in fields.items():
        async with opened(registry_of(plain(**{**kinds, name: OF[kind]}))) as app:
            written = await app.migrations.create("change")
            assert written is not None
            with pytest.raises(MigrationError, match="0002_change"):
                await app.run()
            written.path.unlink()
        async with opened(registry_of(plain(**kinds))) as app:
            assert getattr(await app.store.load("Plain", old.id), name) == value


async def test_unique_values_that_meet_others_of_before_are_converted(opened: OpenMigrations) -> None:
    def priced(scale: int) -> type[Any]:
        return plain(price=(Decimal, Field(default=Decimal(1), scale=scale, unique=True)))

    async with opened(registry_of(priced(0))) as app:
        await app.change("first")
        stored = [await app.store.store("Plain", price=Decimal(10) ** place) for place in range(4)]
    async with opened(registry_of(priced(1))) as app:
        await app.change("finer")
        assert [(await app.store.load("Plain", one.id)).price for one in stored] == [1, 10, 100, 1000]
