"""A change of the schema that a person should know of is told, once, with the table and the field."""

from __future__ import annotations

import pytest

from framework_m import DocType
from framework_m_core.registry.builder import RegistryBuilder
from framework_m_core.registry.snapshot import Snapshot

from .wiring import sql_harness, sql_store


def _book(fields: dict[str, type]) -> Snapshot:
    builder = RegistryBuilder()
    builder.add_doctype(type("Book", (DocType,), {"__annotations__": fields, "__module__": __name__}), "library")
    return builder.freeze()


async def _sync(url: str, snapshot: Snapshot) -> None:
    async with sql_store(url, snapshot) as store:
        await sql_harness(store).schema_mapper.sync()


async def test_a_field_that_may_have_been_renamed_and_one_without_values_are_told(
    bare_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await _sync(bare_database_url, _book({"title": str}))
    assert caplog.messages == []
    await _sync(bare_database_url, _book({"title": str, "pages": int}))
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("book.pages is required and has no default")
    caplog.clear()
    await _sync(bare_database_url, _book({"name_of": str, "pages": int}))
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("book.name_of is new, and title no longer declared")
    caplog.clear()
    await _sync(bare_database_url, _book({"name_of": str, "pages": int}))
    assert caplog.messages == []
