"""Stored values that a stricter declaration no longer accepts are counted, and named by their documents."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any, Literal

import pydantic
import pytest

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.filters.tree import EVERYTHING
from framework_m_testing.fakes.doctype import FakeDocType
from framework_m_testing.sample_doctypes import Colour

from ..services.wiring import CONTEXT
from .migrating import OpenMigrations, first, plain, registry_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Red(StrEnum):
    RED = "red"


class Many(IntEnum):
    ONE = 1
    TWO = 2


class One(IntEnum):
    ONE = 1


def _row() -> type[Any]:
    class Row(FakeDocType):
        what: str

        class Meta:
            is_child_table = True

    return Row


def _short_row() -> type[Any]:
    class Row(FakeDocType):
        what: str = Field(max_length=3)

        class Meta:
            is_child_table = True

    return Row


async def test_stored_values_that_a_field_no_longer_accepts_are_counted(opened: OpenMigrations) -> None:
    row, short = _row(), _short_row()
    loose = plain(state=(Literal["new", "gone"], "new"), note=(str, ""), rows=(list[row], []))  # type: ignore[valid-type]
    old = await first(opened, row, loose, state="gone", note="x" * 300, rows=[{"what": "long"}, {"what": "longer"}])
    kept: Any = (list[short], [])  # type: ignore[valid-type]
    strict = plain(state=(Literal["new"], "new"), note=(str, Field(default="", max_length=200)), rows=kept)
    async with opened(registry_of(short, strict)) as app:
        with pytest.raises(ConfigurationError) as raised:
            await app.migrations.create("stricter")
        assert raised.value.errors == (
            f"1 rows of plain hold a state that is none of new, such as in {old.name}",
            f"1 rows of plain hold a note of more than 200 characters, such as in {old.name}",
            f"2 rows of plain__rows hold a what of more than 3 characters, such as in {old.name}",
        )
    indexed = plain(
        state=(Literal["new", "gone"], "new"),
        note=(str, Field(default="", index=True)),
        rows=(list[row], []),  # type: ignore[valid-type]
    )
    async with opened(registry_of(row, indexed)) as app:
        written = await app.migrations.create("index")
        assert written is not None
        assert written.changes == ("new index ix_plain_note",)
        assert ["1 rows of plain hold a note of more than" in line for line in written.advice] == [True]


@pytest.mark.parametrize(
    ("was", "now", "value", "reason"),
    [
        ((Colour, Colour.BLUE), (Red, Red.RED), Colour.BLUE, "a it that is none of red"),
        ((Many, Many.TWO), (One, One.ONE), Many.TWO, "a it that is none of 1"),
        ((str, "a"), (str, Field(min_length=2)), "a", "a it of less than 2 characters"),
        ((str, "a"), (str, Field(pattern="^[b-z]$")), "a", "a it that does not match ^[b-z]$"),
        ((int, 1), (int, Field(gt=1)), 1, "a it that is not more than 1"),
        ((int, 3), (int, Field(multiple_of=2)), 3, "a it that is not a multiple of 2"),
        ((float, 0.5), (float, Field(ge=0.75)), 0.5, "a it that is not at least 0.75"),
        ((float, 0.5), (float, Field(multiple_of=0.2)), 0.5, "a it that is not a multiple of 0.2"),
        ((Decimal, Field(scale=2)), (Decimal, Field(scale=2, lt=2)), Decimal("2.00"), "a it that is not less than 2"),
        ((Decimal, Field(scale=2)), (Decimal, Field(scale=2, multiple_of=0.5)), Decimal("2.25"),
         "a it that is not a multiple of 0.5"),
        ((date, date(2026, 1, 2)), (date, pydantic.Field(le=date(2026, 1, 1))), date(2026, 1, 2),
         "a it that is not at most 2026-01-01"),
        ((datetime, NOON), (datetime, pydantic.Field(gt=NOON)), NOON, f"a it that is not more than {NOON}"),
    ],
)  # fmt: skip
async def test_whatever_is_stricter_is_counted(
    opened: OpenMigrations, was: Any, now: Any, value: Any, reason: str
) -> None:
    def declared(it: Any) -> tuple[Any, Any]:
        row = type("Row", (FakeDocType,), {"__annotations__": {"it": it[0]}, "__module__": __name__, "it": it[1]})
        row.Meta = type("Meta", (), {"is_child_table": True})  # type: ignore[attr-defined]
        return row, plain(it=it, rows=(list[row], []))  # type: ignore[valid-type]

    old = await first(opened, *declared(was), it=value, rows=[{"it": value}])
    async with opened(registry_of(*declared(now))) as app:
        lines = tuple(f"1 rows of {table} hold {reason}, such as in {old.name}" for table in ("plain", "plain__rows"))
        status = await app.migrations.status()
        assert (status.unfit, status.is_current) == (lines, True)
        with pytest.raises(ConfigurationError) as raised:
            await app.migrations.create("stricter")
        assert raised.value.errors == lines
        async with app.store.units(CONTEXT) as unit:
            await unit.repository("Plain").update_where(EVERYTHING, {"deleted_at": NOON})
            await unit.commit()
        assert (await app.migrations.status()).unfit == ()


async def test_a_value_that_is_required_now_is_counted_where_it_is_missing(opened: OpenMigrations) -> None:
    old = await first(opened, plain(it=(str | None, None)))
    async with opened(registry_of(plain(it=(str,)))) as app:
        written = await app.migrations.create("required")
        assert written is not None
        assert written.changes == ("plain.it becomes required",)
        line = f"1 rows of plain hold no it, which is required, such as in {old.name}"
        assert any(line in advice for advice in written.advice)


async def test_names_from_before_they_had_one_form_are_counted(opened: OpenMigrations) -> None:
    """Of live documents that have names of their own."""
    decomposed = "Cafe\u0301"

    class Place(FakeDocType):
        note: str = ""

        class Meta:
            naming = "prompt"

    async with opened(registry_of(Place, plain(note=(str, "")))) as app:
        await app.change("first")
        for name in (decomposed, " a", "Caf\u00e9", "b\u200b", "c"):
            await app.store.store("Place", name=name)
        await app.store.store("Plain", name=decomposed)
        with pytest.raises(ConfigurationError) as raised:
            await app.migrations.create("names")
        (line,) = raised.value.errors
        assert line.startswith("3 rows of place ") and line.endswith(r"' a', 'Cafe\u0301', 'b\u200b'")
        assert (await app.migrations.status()).unfit == (line,)
