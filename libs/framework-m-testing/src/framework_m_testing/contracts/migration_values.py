"""The contract of `MigrationProtocol`: stored values that a stricter declaration no longer accepts are counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from math import inf
from typing import Annotated, Any, Final, Literal, Optional

import pydantic
import pytest

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.filters.tree import EVERYTHING
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_testing.contracts.contract import Contract
from framework_m_testing.contracts.migration import MigrationHarness, OpenMigrations
from framework_m_testing.fakes.doctype import FakeDocType
from framework_m_testing.samples.doctypes import Colour

__all__ = ["MigrationValuesContract", "Place"]

_NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
_DECOMPOSED: Final = "Cafe\u0301"


class _Red(StrEnum):
    RED = "red"


class _Many(IntEnum):
    ONE = 1
    TWO = 2


class _One(IntEnum):
    ONE = 1


class Place(FakeDocType):
    """A DocType with names of its own."""

    class Meta:
        naming = "prompt"


_AboveOne: Final[Any] = Optional[Annotated[int, pydantic.Field(gt=1, multiple_of=1)]]  # noqa: UP045 - a value here

_STRICTER: Final[tuple[tuple[Any, Any, Any, str], ...]] = (
    ((Colour,), (_Red,), Colour.BLUE, "a it that is none of red"),
    ((_Many,), (_One,), _Many.TWO, "a it that is none of 1"),
    ((str,), (str, Field(min_length=3)), "éé", "a it of less than 3 characters"),
    ((str,), (str, Field(max_length=1)), "éé", "a it of more than 1 characters"),
    ((str,), (str, Field(pattern="^[b-z]$")), "a", "a it that does not match ^[b-z]$"),
    ((int,), (int, Field(gt=1)), 1, "a it that is not more than 1"),
    ((int | None, None), (_AboveOne, None), 1,
     "a it that is not more than 1"),
    ((int,), (int, Field(multiple_of=2)), 3, "a it that is not a multiple of 2"),
    ((float,), (float, Field(ge=0.75)), 0.5, "a it that is not at least 0.75"),
    ((float,), (float, Field(multiple_of=0.2)), 0.5, "a it that is not a multiple of 0.2"),
    ((Decimal, Field(scale=2)), (Decimal, Field(scale=2, lt=2)), Decimal("2.00"), "a it that is not less than 2"),
    ((Decimal, Field(scale=2)), (Decimal, Field(scale=2, multiple_of=0.5)), Decimal("2.25"),
     "a it that is not a multiple of 0.5"),
    ((date,), (date, pydantic.Field(le=date(2026, 1, 1))), date(2026, 1, 2), "a it that is not at most 2026-01-01"),
    ((datetime,), (datetime, pydantic.Field(gt=_NOON)), _NOON, f"a it that is not more than {_NOON}"),
)  # fmt: skip
"""A field before and after, a value that only the former accepts, and what is said of it."""

_ACCEPTED: Final[tuple[tuple[Any, Any, Any], ...]] = (
    ((Colour,), (_Red,), Colour.RED),
    ((str,), (str, Field(min_length=3, max_length=3)), "é" * 3),
    ((int,), (int, Field(gt=1, le=2**70)), 2),
    ((float,), (float, Field(ge=0.1, le=0.1)), 0.1),
    ((float,), (float, Field(gt=-inf, lt=inf)), 0.1),
    ((Decimal, Field(scale=2)), (Decimal, Field(scale=2, gt=-inf, lt=inf)), Decimal("0.10")),
    ((Decimal, Field(scale=2)), (Decimal, Field(scale=2, ge=0.1, le=0.1)), Decimal("0.10")),
    ((int | None, None), (int | None, Field(default=None, ge=1)), None),
    ((str | None, None), (str | None, Field(default=None, min_length=1)), None),
    ((list[str], []), (list[Literal["a"]], []), []),
)
"""A field before and after, and a value that both accept."""


class MigrationValuesContract(Contract):
    """What migrations say of stored values. Provide a fixture `open_migrations`, an `OpenMigrations`."""

    @pytest.mark.parametrize(("was", "now", "value", "reason"), _STRICTER)
    async def test_whatever_is_stricter_is_counted(
        self, open_migrations: OpenMigrations, was: Any, now: Any, value: Any, reason: str
    ) -> None:
        """`create` and `status` count a value that a field no longer accepts in live documents and their rows."""
        async with _begun(open_migrations, *_with_rows(was)) as app:
            old = await app.store.store("Plain", it=value, rows=[{"it": value}])
        async with open_migrations(_registry(*_with_rows(now))) as app:
            lines = (
                f"1 document of Plain holds {reason}, such as in {old.name}",
                f"1 row of Plain.rows holds {reason}, such as in {old.name}",
            )
            status = await app.migrations.status()
            assert (status.unfit, status.is_current) == (lines, True)
            with pytest.raises(ConfigurationError) as raised:
                await app.migrations.create("stricter")
            assert raised.value.errors == lines
            async with app.store.units(app.store.context) as unit:
                await unit.repository("Plain").update_where(EVERYTHING, {"deleted_at": _NOON})
                await unit.commit()
            assert (await app.migrations.status()).unfit == ()

    @pytest.mark.parametrize(("was", "now", "value"), _ACCEPTED)
    async def test_what_is_still_accepted_is_not_counted(
        self, open_migrations: OpenMigrations, was: Any, now: Any, value: Any
    ) -> None:
        """A value at the bounds of a field is not counted, nor is one that is empty and may be."""
        async with _begun(open_migrations, *_with_rows(was)) as app:
            await app.store.store("Plain", it=value, rows=[{"it": value}])
        async with open_migrations(_registry(*_with_rows(now))) as app:
            assert (await app.migrations.status()).unfit == ()

    async def test_all_are_counted_and_some_are_named(self, open_migrations: OpenMigrations) -> None:
        """All rows count, and the first three documents are named, each once."""
        async with _begun(open_migrations, *_with_rows((str,))) as app:
            for name in "dbca":
                await app.store.store(
                    "Plain", name=name, it="no", rows=[{"it": "long"}, {"it": "longer"}, {"it": "no"}]
                )
        for stricter, words in ((Field(max_length=3), "of more than 3 characters"),
                                (Field(pattern="^..$"), "that does not match ^..$")):  # fmt: skip
            async with open_migrations(_registry(*_with_rows((str, stricter)))) as app:
                counted = [line for line in (await app.migrations.status()).unfit if "Plain.rows" in line]
                assert counted == [f"8 rows of Plain.rows hold a it {words}, such as in a, b, c"]

    async def test_a_new_index_counts_what_is_too_long_for_it(self, open_migrations: OpenMigrations) -> None:
        """A revision that adds an index advises to change texts that may not be indexed."""
        async with _begun(open_migrations, _plain(it=(str, ""))) as app:
            old = await app.store.store("Plain", it="x" * 300)
        async with open_migrations(_registry(_plain(it=(str, Field(default="", index=True))))) as app:
            written = await app.migrations.create("index")
            assert written is not None
            line = (
                f"1 document of Plain holds a it of more than 255 characters, such as in {old.name}, which it refuses"
            )
            assert [advice.startswith(line) for advice in written.advice] == [True]

    async def test_a_value_that_is_required_now_is_counted_where_it_is_missing(
        self, open_migrations: OpenMigrations
    ) -> None:
        """A revision that makes a field required advises to fill it."""
        async with _begun(open_migrations, _plain(it=(str | None, None))) as app:
            old = await app.store.store("Plain")
        async with open_migrations(_registry(_plain(it=(str,)))) as app:
            written = await app.migrations.create("required")
            assert written is not None
            line = f"1 document of Plain holds no it, which is required, such as in {old.name}"
            assert any(line in advice for advice in written.advice)

    async def test_values_of_another_kind_are_not_compared(self, open_migrations: OpenMigrations) -> None:
        """A revision that changes a field's kind can be written, whatever the new bounds are."""
        async with _begun(open_migrations, *_with_rows((str,))) as app:
            await app.store.store("Plain", it="7", rows=[{"it": "7"}])
        async with open_migrations(_registry(*_with_rows((int, Field(ge=5, multiple_of=2))))) as app:
            await app.write("another kind")
            await app.run()
            assert [line.partition(",")[0] for line in (await app.migrations.status()).unfit] == [
                "1 document of Plain holds a it that is not a multiple of 2",
                "1 row of Plain.rows holds a it that is not a multiple of 2",
            ]

    async def test_names_from_before_they_had_one_form_are_counted(self, open_migrations: OpenMigrations) -> None:
        """Live documents with names of their own are counted if their names are not in the form of names."""
        async with _begun(open_migrations, Place, _plain(note=(str, ""))) as app:
            for name in (_DECOMPOSED, " a", "Caf\u00e9", "b\u200b", "c"):
                await app.store.store("Place", name=name)
            await app.store.store("Plain", name=_DECOMPOSED)
            with pytest.raises(ConfigurationError) as raised:
                await app.migrations.create("names")
            (line,) = raised.value.errors
            assert line.startswith("3 documents of Place have ")
            assert line.endswith(r"' a', 'Cafe\u0301', 'b\u200b'")
            assert (await app.migrations.status()).unfit == (line,)


@asynccontextmanager
async def _begun(open_migrations: OpenMigrations, *doctypes: type[Any]) -> AsyncIterator[MigrationHarness]:
    """Open the migrations of DocTypes whose first revision has been run."""
    async with open_migrations(_registry(*doctypes)) as app:
        await app.migrations.init()
        await app.write("first")
        await app.run()
        yield app


def _registry(*doctypes: type[Any]) -> Any:
    builder = RegistryBuilder()
    for doctype in doctypes:
        builder.add_doctype(doctype, "samples")
    return builder.freeze()


def _plain(**fields: Any) -> type[Any]:
    """Return a DocType `Plain` of these fields: annotation and default, or annotation alone."""
    return _declare("Plain", fields)


def _with_rows(it: Any) -> tuple[type[Any], type[Any]]:
    """Return a child table with a field `it`, and a DocType `Plain` with the same field and such rows."""
    row = _declare("Row", {"it": it})
    row.Meta = type("Meta", (), {"is_child_table": True})
    return row, _plain(it=it, rows=(list[row], []))  # type: ignore[valid-type]


def _declare(name: str, fields: dict[str, Any]) -> type[Any]:
    annotations = {key: field[0] for key, field in fields.items()}
    defaults = {key: field[1] for key, field in fields.items() if len(field) > 1}
    return type(name, (FakeDocType,), {"__annotations__": annotations, "__module__": __name__, **defaults})
