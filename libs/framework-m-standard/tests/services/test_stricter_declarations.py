"""Declarations made stricter than what is stored: old values are read as they are, and stay until they are changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal

import pydantic
import pytest
from pydantic import model_validator

from framework_m import Controller, DocType, Field
from framework_m_core.domain.context import make_system_context
from framework_m_core.domain.errors import ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_core.services.queries.parsing import ListRequest

from .wiring import CONTEXT, Wired, wired


class OldColour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Colour(StrEnum):
    RED = "red"


class OldSize(IntEnum):
    SMALL = 1
    LARGE = 2


class Size(IntEnum):
    SMALL = 1


DAY = date(2026, 1, 1)
OLD: Mapping[str, Any] = {
    "colour": (OldColour, OldColour.RED), "size": (OldSize, OldSize.SMALL), "state": (Literal["new", "gone"], "new"),
    "long": (str, "a"), "short": (str, "aaa"), "code": (str, "a"), "amount": (int, 1), "ratio": (float, 1.0),
    "price": (Decimal, Field(default=Decimal(1), scale=2)), "step": (int, 3), "day": (date, DAY),
    "tags": (list[str], ["a"]), "tone": (OldColour | None, OldColour.RED),
    "indexed": (str, "a"),
}  # fmt: skip
NEW: Mapping[str, Any] = {
    "colour": (Colour, Colour.RED), "size": (Size, Size.SMALL), "state": (Literal["new"], "new"),
    "long": (str, Field(default="a", max_length=3)), "short": (str, Field(default="aaa", min_length=3)),
    "code": (str, Field(default="a", pattern="^[a-z]$")), "amount": (int, Field(default=1, ge=0)),
    "ratio": (float, Field(default=1.0, lt=5)), "price": (Decimal, Field(default=Decimal(1), scale=2, le=10)),
    "step": (int, Field(default=3, multiple_of=3)), "day": (date, pydantic.Field(default=DAY, ge=DAY)),
    "tags": (list[Annotated[str, Field(max_length=1)]], ["a"]), "tone": (Colour, Colour.RED),
    "indexed": (str, Field(default="a", index=True)),
}  # fmt: skip
REFUSED: Mapping[str, Any] = {
    "colour": "blue", "size": 2, "state": "gone", "long": "long", "short": "a", "code": "A1", "amount": -1,
    "ratio": 9.5, "price": "99.00", "step": 4, "day": "2025-12-31", "tags": ["aa"], "tone": "blue",
    "indexed": "x" * 300,
}  # fmt: skip
STORED = {**REFUSED, "price": Decimal("99.00"), "day": date(2025, 12, 31)}
ALSO_REFUSED: Mapping[str, Any] = {
    "colour": "pink", "size": 9, "state": "lost", "long": "longer", "short": "", "code": "B2", "amount": -2,
    "ratio": 9.75, "price": "98.00", "step": 5, "day": "2024-12-31", "tags": ["aaa"], "tone": "pink",
    "indexed": "y" * 300,
}  # fmt: skip
TAKEN: Mapping[str, Any] = {
    "colour": "red", "size": 1, "state": "new", "long": "abc", "short": "abcd", "code": "b", "amount": 2,
    "ratio": 2.5, "price": "2.00", "step": 6, "day": "2026-05-05", "tags": ["b"], "tone": "red",
    "indexed": "b",
}  # fmt: skip
GONE = [{"field": "colour", "operator": "eq", "value": "blue"}, {"field": "size", "operator": "eq", "value": 2}]
SEEN: dict[str, Any] = {}


def _doctype(name: str, fields: Mapping[str, Any], meta: Mapping[str, Any], **members: Any) -> Any:
    annotations = {field: annotation for field, (annotation, *_) in fields.items()}
    defaults = {field: default[0] for field, (_, *default) in fields.items() if default}
    body = {"__annotations__": annotations, "__module__": __name__, **defaults, **members}
    made: Any = type(name, (DocType,), body)
    made.Meta = type("Meta", (), dict(meta))
    return made


def _check_other(thing: Any) -> Any:
    if thing.other == 99:
        raise ValueError("99 is never right")
    return thing


def registry_of(fields: Mapping[str, Any], *, max_rows: int | None = None) -> Registry:
    """A DocType with these fields, and with rows of them."""
    row = _doctype("Row", {**fields, "other": (int, 0)}, {"is_child_table": True})
    rows: Any = (list[row], Field(default=[], max_length=max_rows))  # type: ignore[valid-type]
    thing = _doctype(
        "Thing",
        {**fields, "other": (int, 0), "rows": rows},
        {"submittable": True},
        check=model_validator(mode="after")(_check_other),
    )

    class ThingController(Controller[thing]):  # type: ignore[valid-type]
        doc: Any

        async def validate(self) -> None:
            SEEN.update(vars(self.doc), was=self.previous and vars(self.previous))
            if self.doc.other == 42:
                self.doc.colour = "pink"
            if self.doc.other == 43:
                self.doc.rows[0].colour = "pink"

    builder = RegistryBuilder()
    for doctype in (row, thing):
        builder.add_doctype(doctype, "things")
    builder.add_controller(ThingController)
    return builder.freeze()


@pytest.fixture
async def things(database_url: str) -> AsyncIterator[tuple[Wired, dict[str, Any]]]:
    """The services over the stricter declaration, and a document of the old one."""
    SEEN.clear()
    async with wired(database_url, registry_of(OLD)) as loose:
        thing = await loose.create("Thing", **REFUSED, rows=[dict(REFUSED), dict(REFUSED)])
    async with wired(database_url, registry_of(NEW)) as strict:
        yield strict, thing


type Things = tuple[Wired, dict[str, Any]]


def _same(found: Mapping[str, Any], wanted: Mapping[str, Any] = STORED) -> bool:
    return all(found[name] == value for name, value in wanted.items())


async def test_old_values_are_read_and_stay_when_others_change(things: Things) -> None:
    store, thing = things
    assert _same(await store.stored("Thing", thing["id"]))
    changed = await store.documents.update(CONTEXT, "Thing", thing["id"], {"other": 3})
    assert (changed["_version"], changed["other"]) == (2, 3)
    assert _same(changed) and all(_same(row) for row in changed["rows"])
    stored = await store.stored("Thing", thing["id"])
    assert _same(stored) and [row["id"] for row in stored["rows"]] == [row["id"] for row in thing["rows"]]
    [_, entry] = await store.audits("Thing", thing["id"])
    assert entry.changes == {"other": [0, 3]}
    listed = await store.documents.list(CONTEXT, "Thing", ListRequest(filters=GONE))
    assert [_same(one) for one in listed.items] == [True]


async def test_what_controllers_see_of_them_is_what_is_stored(things: Things) -> None:
    store, thing = things
    await store.documents.update(CONTEXT, "Thing", thing["id"], {"other": 3})
    assert (SEEN["colour"], SEEN["size"], SEEN["amount"]) == ("blue", 2, -1)
    assert SEEN["was"]["colour"] == "blue"
    assert [row.colour for row in SEEN["rows"]] == ["blue", "blue"]
    assert {type(row).__name__ for row in SEEN["rows"]} == {"Row"}


async def test_they_may_be_sent_back_as_they_were_served(things: Things) -> None:
    store, thing = things
    ids = [str(row["id"]) for row in thing["rows"]]
    body = {**REFUSED, "rows": [{**REFUSED, "id": id} for id in ids]}
    assert (await store.documents.update(CONTEXT, "Thing", thing["id"], body))["_version"] == 1
    assert (await store.documents.update(CONTEXT, "Thing", thing["id"], {**body, "other": 1}))["_version"] == 2


@pytest.mark.parametrize("field", sorted(TAKEN))
async def test_a_valid_value_mends_one_and_leaves_the_others(things: Things, field: str) -> None:
    store, thing = things
    changed = await store.documents.update(CONTEXT, "Thing", thing["id"], {field: TAKEN[field]})
    assert str(changed[field]) == str(TAKEN[field])
    assert _same(changed, {name: value for name, value in STORED.items() if name != field})
    rows = [{"id": str(row["id"])} for row in thing["rows"]]
    rows[1][field] = TAKEN[field]
    changed = await store.documents.update(CONTEXT, "Thing", thing["id"], {"rows": rows})
    assert str(changed["rows"][1][field]) == str(TAKEN[field])
    assert _same(changed["rows"][0])


@pytest.mark.parametrize("field", sorted(ALSO_REFUSED))
async def test_another_refused_value_is_refused(things: Things, field: str) -> None:
    store, thing = things
    rows = [{"id": str(row["id"])} for row in thing["rows"]]
    rows[1][field] = ALSO_REFUSED[field]
    for body, at in (({field: ALSO_REFUSED[field]}, field), ({"rows": rows}, f"rows.1.{field}")):
        with pytest.raises(ValidationError) as raised:
            await store.documents.update(CONTEXT, "Thing", thing["id"], body)
        assert [error.field.removesuffix(".0") for error in raised.value.errors] == [at], body
    assert (await store.stored("Thing", thing["id"]))["_version"] == 1


async def test_the_value_of_one_row_is_not_the_old_value_of_another_or_of_a_new_one(things: Things) -> None:
    store, thing = things
    first, second = (str(row["id"]) for row in thing["rows"])
    await store.documents.update(CONTEXT, "Thing", thing["id"], {"rows": [{"id": first, **TAKEN}, {"id": second}]})
    for rows, at in (
        ([{"id": first, "colour": "blue"}, {"id": second}], "rows.0.colour"),
        ([{"id": first}, {"id": second}, {"colour": "blue"}], "rows.2.colour"),
    ):
        with pytest.raises(ValidationError) as raised:
            await store.documents.update(CONTEXT, "Thing", thing["id"], {"rows": rows})
        assert [error.field for error in raised.value.errors] == [at], rows
    moved = await store.documents.update(CONTEXT, "Thing", thing["id"], {"rows": [{"id": second}, {"id": first}]})
    assert [row["colour"] for row in moved["rows"]] == ["blue", "red"]


async def test_the_system_changes_others_in_place(things: Things) -> None:
    store, thing = things

    def count(document: Any) -> None:
        document.other += 1
        document.rows[0].other += 1

    changed = await store.documents.change(make_system_context("counting", source="cli"), "Thing", thing["id"], count)
    assert (changed["other"], changed["rows"][0]["other"]) == (1, 1)
    assert _same(changed) and all(_same(row) for row in changed["rows"])


async def test_new_documents_need_valid_values(things: Things) -> None:
    store, _ = things
    with pytest.raises(ValidationError) as raised:
        await store.create("Thing", **REFUSED)
    assert {error.field.removesuffix(".0") for error in raised.value.errors} == set(REFUSED) - {"indexed"}


async def test_a_lifetime_goes_on(things: Things) -> None:
    store, thing = things
    submitted = await store.documents.submit(CONTEXT, "Thing", thing["id"])
    cancelled = await store.documents.cancel(CONTEXT, "Thing", thing["id"])
    assert (submitted["docstatus"], cancelled["docstatus"]) == (1, 2)
    assert _same(cancelled) and all(_same(row) for row in cancelled["rows"])
    await store.documents.delete(CONTEXT, "Thing", thing["id"])
    assert await store.count("Thing") == 0


async def test_rows_can_be_removed_and_documents_purged(things: Things) -> None:
    store, thing = things
    assert (await store.documents.update(CONTEXT, "Thing", thing["id"], {"rows": []}))["rows"] == []
    await store.documents.delete(CONTEXT, "Thing", thing["id"], hard=True)
    assert await store.count("Thing") == 0


async def test_model_validators_run_all_the_same(things: Things) -> None:
    store, thing = things
    with pytest.raises(ValidationError) as raised:
        await store.documents.update(CONTEXT, "Thing", thing["id"], {"other": 99})
    assert [error.field for error in raised.value.errors] == ["*"]


@pytest.mark.parametrize(("other", "at"), [(42, "colour"), (43, "rows.0.colour")])
async def test_hooks_need_valid_values_too(things: Things, other: int, at: str) -> None:
    store, thing = things
    with pytest.raises(ValidationError) as raised:
        await store.documents.update(CONTEXT, "Thing", thing["id"], {"other": other})
    assert [error.field for error in raised.value.errors] == [at]


async def test_a_list_that_is_too_long_now_stays_and_shrinks(things: Things, database_url: str) -> None:
    _, thing = things
    first, second = (str(row["id"]) for row in thing["rows"])
    async with wired(database_url, registry_of(NEW, max_rows=1)) as store:
        changed = await store.documents.update(CONTEXT, "Thing", thing["id"], {"other": 3})
        assert len(changed["rows"]) == 2 and all(_same(row) for row in changed["rows"])
        rows = [{"id": first, "other": 5}, {"id": second}]
        with pytest.raises(ValidationError) as raised:
            await store.documents.update(CONTEXT, "Thing", thing["id"], {"rows": rows})
        assert [error.field for error in raised.value.errors] == ["rows"]
        changed = await store.documents.update(CONTEXT, "Thing", thing["id"], {"rows": [{"id": second}]})
        assert [str(row["id"]) for row in changed["rows"]] == [second]


async def test_the_repository_reads_them(things: Things) -> None:
    store, thing = things
    async with store.adapters.units(CONTEXT) as unit:
        found: Any = await unit.repository("Thing").get(thing["id"])
    assert (found.colour, found.size, found.rows[0].colour) == ("blue", 2, "blue")


async def test_a_value_that_is_missing_stays_until_it_is_given(database_url: str) -> None:
    """Where columns decide, migrations ask for the missing values; elsewhere documents live on without them."""
    async with wired(database_url, registry_of({"word": (str | None, None)})) as loose:
        thing = await loose.create("Thing", rows=[{}])
    async with wired(database_url, registry_of({"word": (str,)})) as store:
        assert (await store.stored("Thing", thing["id"]))["word"] is None
        changed = await store.documents.update(CONTEXT, "Thing", thing["id"], {"other": 3})
        assert (changed["word"], changed["rows"][0]["word"], changed["_version"]) == (None, None, 2)
        rows = [{"id": str(thing["rows"][0]["id"]), "word": "b"}]
        changed = await store.documents.update(CONTEXT, "Thing", thing["id"], {"word": "a", "rows": rows})
        assert (changed["word"], changed["rows"][0]["word"]) == ("a", "b")
        for body, at in (({"word": None}, "word"), ({"rows": [{**rows[0], "word": None}]}, "rows.0.word")):
            with pytest.raises(ValidationError) as raised:
                await store.documents.update(CONTEXT, "Thing", thing["id"], body)
            assert [error.field for error in raised.value.errors] == [at], body
