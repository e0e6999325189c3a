"""An update writes only the child rows that it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from framework_m_core.spi import dump_document
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.store import SqlStore
from framework_m_testing.harness import build_sample_registry

from .wiring import sql_harness, sql_store

COUNTED = "(SELECT count(*) FROM written WHERE written.id = thing__slots.id)"
WRITES = {"sqlite": COUNTED, "mariadb": COUNTED, "postgresql": "xmin::text"}
"""An expression whose value changes whenever a row is written."""

type Change = Callable[[list[Any]], list[Any]]


def _changed(rows: list[Any], place: int) -> list[Any]:
    return [row.model_copy(update={"what": "changed"}) if n == place else row for n, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda rows: rows, "abcdef"),
        (lambda rows: _changed(rows, 2), "abdef"),
        (lambda rows: [*rows, rows[0].model_copy(update={"id": rows[0].id.__class__(int=7), "what": "g"})], "abcdef"),
        (lambda rows: rows[:4], "abcd"),
        (lambda rows: [rows[1], rows[0], *rows[2:]], "cdef"),
        (lambda _: [], ""),
    ],
    ids=["nothing", "one row", "append", "truncate", "swap", "clear"],
)
async def test_rows_that_stay_as_they_are_are_not_written(database_url: str, change: Change, kept: str) -> None:
    registry = build_sample_registry()
    async with sql_store(database_url, registry) as store:
        harness = sql_harness(store)
        await harness.schema_mapper.sync()
        await _count_writes(store)
        thing = await harness.store("Thing", slots=[{"what": what} for what in "abcdef"])
        before = await _rows(store)
        stored = dump_document(registry.get("Thing"), thing)
        thing.slots = change(thing.slots)
        async with harness.units(harness.context) as unit:
            await unit.repository("Thing").update(thing, expected_version=1, stored=stored)
            await unit.commit()
        after = await _rows(store)
        assert "".join(what for what, mark in before if (what, mark) in after) == kept
        assert await harness.load("Thing", thing.id) == thing


async def _count_writes(store: SqlStore) -> None:
    """Let databases that have no mark of their own note each row that is inserted."""
    if WRITES[store.global_driver.name] is COUNTED:
        for sql in (
            "CREATE TABLE IF NOT EXISTS written AS SELECT id FROM thing__slots WHERE 1 = 0",
            "CREATE TRIGGER IF NOT EXISTS note AFTER INSERT ON thing__slots FOR EACH ROW "
            "BEGIN INSERT INTO written VALUES (new.id); END",
        ):
            await store.global_driver.write(Statement(sql), ())


async def _rows(store: SqlStore) -> list[tuple[str, str]]:
    mark = WRITES[store.global_driver.name]
    rows = await store.global_driver.fetch(Statement(f"SELECT what, {mark} FROM thing__slots ORDER BY idx"), ())
    return [(row[0], str(row[1])) for row in rows]
