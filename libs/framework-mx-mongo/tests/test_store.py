"""What MongoDB does otherwise than the other stores, and what nobody may notice of it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from framework_m_core.domain.errors import (
    DuplicateNameError,
    DuplicateValueError,
    IntegrityError,
    OutcomeUnknownError,
    TransientError,
)
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.reader import QueryTemplate
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.runtime.retry import retry
from framework_m_testing.fakes.doctype import FakeDocType
from framework_m_testing.harness import OpenStore, StoreHarness, build_sample_registry
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.schema_mapper import MongoSchemaMapper
from framework_mx_mongo.settings import MongoSettings
from framework_mx_mongo.store import MongoStore

from .wiring import mongo_harness

_OPERATORS: tuple[dict[str, Any], ...] = (
    {"$ne": None},
    {"$gt": ""},
    {"$ref": "Shelf", "$id": 1},
    {"$numberLong": "1"},
    {"a.b": 1, "": 2, "$where": "1"},
)


def _registry(*doctypes: type[Any]) -> Registry:
    builder = RegistryBuilder()
    for doctype in doctypes:
        builder.add_doctype(doctype, "samples")
    return builder.freeze()


@pytest.mark.parametrize("value", _OPERATORS)
async def test_values_are_never_operators(store: StoreHarness, value: dict[str, Any]) -> None:
    thing = await store.store("Thing", extra=value, text="$text", tags=["$tags"])
    loaded = await store.load("Thing", thing.id)
    assert (loaded.extra, loaded.text, loaded.tags) == (value, "$text", ["$tags"])
    async with store.units(store.context) as unit:
        things = unit.repository("Thing")
        for field, operator in (("text", "eq"), ("tags", "has"), ("number", "gt"), ("owner", "in")):
            given = (value,) if operator == "in" else value
            with pytest.raises(TypeError, match="scalar"):
                await things.count(Comparison(field, operator, given))  # type: ignore[arg-type]
        assert await things.count(Comparison("text", "eq", "$text")) == 1
        assert await things.update_where(Comparison("id", "eq", thing.id), {"text": "$number"}) == 1
        assert await things.count(Comparison("text", "eq", "$number")) == 1


async def _insert(store: StoreHarness, unit: UnitOfWorkProtocol, doctype: str, **values: Any) -> UUID:
    id: UUID = (await unit.repository(doctype).insert(store.new(doctype, **values))).id
    return id


async def test_a_savepoint_outlives_a_duplicate(store: StoreHarness) -> None:
    """The server ends a transaction at a duplicate, so a savepoint notices it before the server does."""
    await store.store("Shelf", name="A", label="a")
    async with store.units(store.context) as unit:
        kept = await _insert(store, unit, "Shelf", label="kept")
        for error, values in ((DuplicateNameError, {"name": "A"}), (DuplicateValueError, {"label": "a"})):
            with pytest.raises(error):  # noqa: PT012 - the write belongs to the savepoint
                async with unit.savepoint():
                    undone = await _insert(store, unit, "Shelf", name="new", label="new")
                    await _insert(store, unit, "Shelf", **{"label": "x", **values})
        with pytest.raises(IntegrityError):
            async with unit.savepoint():
                await _insert(store, unit, "Shelf", id=kept, name="again", label="again")
        await unit.commit()
    assert (await store.load("Shelf", kept)).label == "kept"
    assert await store.load("Shelf", undone) is None


async def test_a_savepoint_writes_back_what_it_has_changed(store: StoreHarness) -> None:
    changed, gone = await store.store("Thing", text="old"), await store.store("Thing", text="gone")
    async with store.units(store.context) as unit:
        things = unit.repository("Thing")
        first = await unit.allocate("A-")
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the writes belong to the savepoint
            async with unit.savepoint():
                await things.update_where(Comparison("id", "eq", changed.id), {"text": "new"})
                await things.delete(gone.id)
                await unit.allocate("A-", 5)
                await unit.allocate("B-")
                raise ZeroDivisionError
        assert (first, await unit.allocate("A-"), await unit.allocate("B-")) == (1, 2, 1)
        await unit.commit()
    assert await store.load("Thing", changed.id) == changed
    assert await store.load("Thing", gone.id) == gone


async def test_a_child_row_belongs_to_one_document(store: StoreHarness) -> None:
    row = {"id": uuid4(), "what": "x"}
    await store.store("Thing", slots=[row])
    with pytest.raises(IntegrityError):
        await store.store("Thing", slots=[row])


async def test_a_document_that_is_too_large_is_refused(store: StoreHarness) -> None:
    with pytest.raises(IntegrityError):
        await store.store("Thing", text="x" * (17 << 20))
    assert await store.store("Thing")


async def test_a_target_that_goes_while_it_is_linked_to_stops_the_link(store: StoreHarness) -> None:
    shelf = await store.store("Shelf", label="a")
    where, values = parameterize(Comparison("id", "eq", shelf.id))
    share = store.reader.prepare(QueryTemplate(store.registry.get("Shelf"), ("id",), where, lock="share"))
    async with store.units(store.context) as unit:
        assert await unit.fetch(share, values)
        linking = await _insert(store, unit, "Thing", shelf=shelf.id)
        async with store.units(store.context) as other:
            assert await other.repository("Shelf").delete(shelf.id)
            await other.commit()
        with pytest.raises(TransientError) as raised:
            await unit.commit()
    assert raised.value.contended
    assert await store.load("Thing", linking) is None


async def test_many_link_to_one_target_at_once(store: StoreHarness) -> None:
    """Nobody waits for a turn here, so all try until theirs has come."""
    shelf = await store.store("Shelf", label="a")
    where, values = parameterize(Comparison("id", "eq", shelf.id))
    share = store.reader.prepare(QueryTemplate(store.registry.get("Shelf"), ("id",), where, lock="share"))

    async def link() -> None:
        async with store.units(store.context) as unit:
            await unit.fetch(share, values)
            await _insert(store, unit, "Thing", shelf=shelf.id)
            await unit.commit()

    await asyncio.gather(*(retry(link) for _ in range(16)))
    async with store.units(store.context) as unit:
        assert await unit.repository("Thing").count(Comparison("shelf", "eq", shelf.id)) == 16


async def test_a_process_with_an_older_registry_learns_of_new_fields_when_it_writes(open_store: OpenStore) -> None:
    class Plain(FakeDocType):
        code: str = "same"

    class Wider(FakeDocType):
        code: str = "same"
        number: int = Field(default=7)

    Wider.__name__ = "Plain"
    async with open_store(_registry(Plain)) as old, open_store(_registry(Wider)) as new:
        await old.schema_mapper.sync()
        await new.schema_mapper.sync()
        with pytest.raises(TransientError):
            await old.store("Plain")
        written = await old.store("Plain")
        assert (await new.load("Plain", written.id)).number == 7
        async with new.units(new.context) as unit:
            assert await unit.repository("Plain").count(Comparison("number", "eq", 7)) == 1


@pytest.mark.slow
async def test_a_commit_that_loses_its_server_does_not_say_that_it_failed(own_mongodb: Any) -> None:
    driver = MongoDriver(MongoSettings(url=own_mongodb.url, connect_timeout_seconds=0.5))
    await driver.open()
    await MongoSchemaMapper(MongoStore(driver, RegistryHandle(build_sample_registry()))).sync()
    store = mongo_harness(driver, build_sample_registry())
    with pytest.raises(OutcomeUnknownError):  # noqa: PT012 - the write belongs to the unit
        async with store.units(store.context) as unit:
            await _insert(store, unit, "Shelf", label="a")
            await asyncio.to_thread(own_mongodb.stop)
            await unit.commit()
    with pytest.raises(TransientError):
        await driver.ping()
    await asyncio.to_thread(own_mongodb.start)
    async with store.units(store.context) as unit:
        assert await unit.repository("Shelf").count() == 0
    await driver.close()


async def test_a_server_that_is_not_there_is_a_transient_error() -> None:
    driver = MongoDriver(MongoSettings(url="mongodb://127.0.0.1:1", connect_timeout_seconds=0.2))
    with pytest.raises(TransientError) as raised:
        await driver.open()
    assert not raised.value.retryable
    with pytest.raises(TransientError):
        await driver.ping()


@pytest.mark.parametrize("url", ["postgresql://localhost/x", "localhost", "http://localhost:27017"])
def test_an_address_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="mongodb://"):
        MongoSettings(url=url)
