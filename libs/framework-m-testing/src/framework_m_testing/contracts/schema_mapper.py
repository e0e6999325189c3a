"""The contract of `SchemaMapperProtocol`: tables follow the DocTypes, and stored documents stay readable."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from framework_m_core.domain.errors import ConfigurationError, DuplicateValueError
from framework_m_core.domain.fields.field import Field
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_testing.contracts.contract import StoreContract
from framework_m_testing.fakes.doctype import FakeDocType
from framework_m_testing.harness import OpenStore, StoreHarness
from framework_m_testing.samples.doctypes import Colour

__all__ = ["SchemaMapperContract"]

_AWKWARD = 'it\'s 100% \\ "new" :x $1 ?'


def _registry(*doctypes: type[Any]) -> Registry:
    builder = RegistryBuilder()
    for doctype in doctypes:
        builder.add_doctype(doctype, "samples")
    return builder.freeze()


def _first() -> Registry:
    class Row(FakeDocType):
        what: str = ""

        class Meta:
            is_child_table = True

    class Plain(FakeDocType):
        code: str = "same"
        rows: list[Row] = []

    return _registry(Row, Plain)


def _widened() -> Registry:
    class Row(FakeDocType):
        what: str = ""
        amount: Decimal = Field(default=Decimal("1.5"), scale=2)

        class Meta:
            is_child_table = True

    class Plain(FakeDocType):
        code: str = "same"
        rows: list[Row] = []
        text: str = _AWKWARD
        number: int = -3
        ratio: float = 0.25
        flag: bool = True
        price: Decimal = Field(default=Decimal("9.90"), scale=2)
        day: date = date(2026, 1, 31)
        moment: datetime = datetime(2026, 1, 31, 12, 0, 0, 7, tzinfo=UTC)
        colour: Colour = Colour.BLUE
        tags: list[str] = [_AWKWARD]
        key: UUID = UUID(int=7)
        note: str | None = "a note"

    return _registry(Row, Plain)


def _optional() -> Registry:
    class Row(FakeDocType):
        remark: str | None = None

        class Meta:
            is_child_table = True

    class Plain(FakeDocType):
        note: str | None = None
        rows: list[Row] = []

    return _registry(Row, Plain)


def _needed() -> Registry:
    class Row(FakeDocType):
        remark: str = "none"

        class Meta:
            is_child_table = True

    class Plain(FakeDocType):
        note: str = "a note"
        rows: list[Row] = []
        colour: Colour = Colour.RED
        key: UUID = Field(default_factory=uuid4)
        moment: datetime | None = Field(default_factory=datetime.now)

    return _registry(Row, Plain)


def _other_kind() -> Registry:
    class Plain(FakeDocType):
        code: int = 0

    return _registry(Plain)


def _priced(scale: int) -> Registry:
    class Row(FakeDocType):
        price: Decimal = Field(default=Decimal(0), scale=scale)

        class Meta:
            is_child_table = True

    class Plain(FakeDocType):
        price: Decimal = Field(default=Decimal(0), scale=scale)
        rows: list[Row] = []

    return _registry(Row, Plain)


_KEYWORDS = (
    "all", "check", "column", "default", "desc", "do", "from", "generated", "group", "index", "limit", "null", "offset",
    "order", "references", "select", "table", "user", "when", "where", "window",
)  # fmt: skip


def _keywords() -> Registry:
    names = dict.fromkeys(_KEYWORDS, str)
    body = {"__annotations__": names, "__module__": __name__, **dict.fromkeys(names, "")}
    return _registry(type("Order", (FakeDocType,), body))


def _unique(*, unique: bool) -> Registry:
    class Plain(FakeDocType):
        code: str = Field(default="same", unique=unique)

    return _registry(Plain)


class SchemaMapperContract(StoreContract):
    """The contract of `SchemaMapperProtocol`. Provide a fixture `open_store`."""

    async def test_a_synced_schema_needs_nothing(self, store: StoreHarness) -> None:
        """After a sync, nothing is planned, and a second sync does nothing."""
        assert list(await store.schema_mapper.plan()) == []
        assert list(await store.schema_mapper.sync()) == []

    async def test_rows_of_before_have_the_defaults_of_new_fields(self, open_store: OpenStore) -> None:
        """Existing documents and child rows get the defaults of new fields."""
        async with open_store(_first()) as store:
            await store.schema_mapper.sync()
            old = await store.store("Plain", rows=[{"what": "old"}])
        async with open_store(_widened()) as store:
            await store.schema_mapper.sync()
            assert list(await store.schema_mapper.plan()) == []
            found = await store.load("Plain", old.id)
            expected = store.new("Plain", rows=[{"what": "old"}])
            without = await store.store("Plain", note=None)
            assert (await store.load("Plain", without.id)).note is None
        for name in ("text", "number", "ratio", "flag", "price", "day", "moment", "colour", "tags", "key", "note"):
            assert getattr(found, name) == getattr(expected, name), name
        assert [(row.what, row.amount) for row in found.rows] == [("old", Decimal("1.50"))]

    async def test_each_published_registry_has_a_number_of_its_own(self, open_store: OpenStore) -> None:
        """Each `publish` returns a distinct generation, visible to other processes and independent of the schema."""
        async with open_store(_first()) as store, open_store(_first()) as other:
            await store.schema_mapper.sync()
            assert await other.schema_mapper.read_generation() == 0
            found = await asyncio.gather(*(one.schema_mapper.publish() for one in (store, other, store, other)))
            assert sorted(found) == [1, 2, 3, 4]
            assert await other.schema_mapper.read_generation() == 4
            assert list(await other.schema_mapper.plan()) == []
        async with open_store(_widened()) as later:
            await later.schema_mapper.sync()
            assert await later.schema_mapper.read_generation() == 4

    async def test_what_is_written_while_a_registry_is_to_come_has_its_defaults(self, open_store: OpenStore) -> None:
        """Documents and child rows written under the current registry after `expand` get the new fields' defaults."""
        coming = _widened()
        async with open_store(_first()) as store:
            await store.schema_mapper.sync()
            await store.schema_mapper.expand(coming)
            written = await store.store("Plain", rows=[{"what": "old"}])
            assert (await store.load("Plain", written.id)).rows[0].what == "old"
            store.registry_handle.swap(coming, 1)
            assert list(await store.schema_mapper.plan()) == []
            found, expected = await store.load("Plain", written.id), store.new("Plain", rows=[{"what": "old"}])
            for name in ("text", "number", "ratio", "flag", "price", "day", "moment", "colour", "tags", "key", "note"):
                assert getattr(found, name) == getattr(expected, name), name
            for name in set(type(expected.rows[0]).model_fields) - {"id"}:
                assert getattr(found.rows[0], name) == getattr(expected.rows[0], name), name

    async def test_a_field_that_comes_to_need_a_value_gets_its_default(self, open_store: OpenStore) -> None:
        """Empty values get the default of a field that becomes required, but never a factory's value.

        A factory makes each value for one document only.
        """
        async with open_store(_optional()) as store:
            await store.schema_mapper.sync()
            empty = await store.store("Plain", rows=[{"remark": None}])
            filled = await store.store("Plain", note="own", rows=[{"remark": "own"}])
        async with open_store(_needed()) as store:
            await store.schema_mapper.sync()
            assert list(await store.schema_mapper.plan()) == []
            found = [await store.load("Plain", one.id) for one in (empty, filled)]
        assert [(one.note, one.rows[0].remark) for one in found] == [("a note", "none"), ("own", "own")]
        assert [(str(one.colour), one.key, one.moment) for one in found] == [("red", None, None)] * 2

    async def test_a_field_that_is_gone_does_not_stand_in_the_way(self, open_store: OpenStore) -> None:
        """The values of a removed field are kept, because the field may be added again."""
        async with open_store(_widened()) as store:
            await store.schema_mapper.sync()
            old = await store.store("Plain", number=5)
        async with open_store(_first()) as store:
            await store.schema_mapper.sync()
            new = await store.store("Plain", rows=[{"what": "without"}])
        async with open_store(_widened()) as store:
            await store.schema_mapper.sync()
            assert (await store.load("Plain", old.id)).number == 5
            found = await store.load("Plain", new.id)
            assert (found.number, found.text, found.rows[0].what) == (-3, _AWKWARD, "without")

    async def test_a_field_of_another_kind_is_refused(self, open_store: OpenStore) -> None:
        """The error names the field, and stored values are unchanged."""
        async with open_store(_unique(unique=False)) as store:
            await store.schema_mapper.sync()
            old = await store.store("Plain", code="text")
        async with open_store(_other_kind()) as store:
            with pytest.raises(ConfigurationError, match="code"):
                await store.schema_mapper.sync()
        async with open_store(_unique(unique=False)) as store:
            assert (await store.load("Plain", old.id)).code == "text"

    async def test_other_places_of_a_decimal_are_refused(self, open_store: OpenStore) -> None:
        """Changing a decimal's scale is rejected, also in child rows, because stored amounts would change."""
        async with open_store(_priced(2)) as store:
            await store.schema_mapper.sync()
            old = await store.store("Plain", price=Decimal("1.25"), rows=[{"price": Decimal("2.50")}])
        async with open_store(_priced(4)) as store:
            with pytest.raises(ConfigurationError, match="price"):
                await store.schema_mapper.sync()
        async with open_store(_priced(2)) as store:
            found = await store.load("Plain", old.id)
            assert (found.price, found.rows[0].price) == (Decimal("1.25"), Decimal("2.50"))

    async def test_names_that_stores_have_words_for_are_names(self, open_store: OpenStore) -> None:
        """DocTypes and fields may be named like keywords of the store."""
        async with open_store(_keywords()) as store:
            await store.schema_mapper.sync()
            kept = await store.store("Order", **{name: name.upper() for name in _KEYWORDS})
            found = await store.load("Order", kept.id)
            assert {name: getattr(found, name) for name in _KEYWORDS} == {name: name.upper() for name in _KEYWORDS}
            found.order = "changed"
            async with store.units(store.context) as unit:
                await unit.repository("Order").update(found, expected_version=1)
                await unit.commit()
            assert (await store.load("Order", kept.id)).order == "changed"

    async def test_uniqueness_can_be_taken_away(self, open_store: OpenStore) -> None:
        """A field that is no longer declared unique accepts equal values."""
        async with open_store(_unique(unique=True)) as store:
            await store.schema_mapper.sync()
            await store.store("Plain")
            with pytest.raises(DuplicateValueError):
                await store.store("Plain")
        async with open_store(_unique(unique=False)) as store:
            await store.schema_mapper.sync()
            await store.store("Plain")

    async def test_uniqueness_over_equal_values_is_refused(self, open_store: OpenStore) -> None:
        """The error names the field, and nothing is changed."""
        async with open_store(_unique(unique=False)) as store:
            await store.schema_mapper.sync()
            await store.store("Plain")
            await store.store("Plain")
        async with open_store(_unique(unique=True)) as store:
            with pytest.raises(ConfigurationError, match="code"):
                await store.schema_mapper.sync()
            await store.store("Plain")
