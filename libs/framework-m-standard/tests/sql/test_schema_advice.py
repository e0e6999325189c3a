"""A change of the schema that a person should know of is told, once, with the table and the field."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m import DocType
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry

from .wiring import sql_harness, sql_store


def _book(fields: dict[str, Any]) -> Registry:
    builder = RegistryBuilder()
    builder.add_doctype(type("Book", (DocType,), {"__annotations__": fields, "__module__": __name__}), "library")
    return builder.freeze()


async def _sync(url: str, registry: Registry) -> None:
    async with sql_store(url, registry) as store:
        await sql_harness(store).schema_mapper.sync()


async def _told(url: str, caplog: pytest.LogCaptureFixture, fields: dict[str, Any]) -> list[str]:
    caplog.clear()
    await _sync(url, _book(fields))
    return caplog.messages


async def test_a_field_that_may_have_been_renamed_is_told_once(
    bare_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await _told(bare_database_url, caplog, {"title": str, "pages": int}) == []
    [told] = await _told(bare_database_url, caplog, {"heading": str, "pages": int, "weight": float})
    assert told.startswith("book.heading is new, and title no longer declared")
    assert await _told(bare_database_url, caplog, {"heading": str, "pages": int, "weight": float}) == []


async def test_documents_without_a_value_that_they_need_are_told(
    bare_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await _sync(bare_database_url, _book({"title": str}))
    assert await _told(bare_database_url, caplog, {"title": str, "pages": int}) == []
    async with sql_store(bare_database_url, _book({"title": str, "pages": int})) as store:
        await sql_harness(store).store("Book", title="old", pages=5)
    [renamed, empty] = await _told(bare_database_url, caplog, {"heading": str, "pages": int})
    assert renamed.startswith("book.heading is new")
    assert empty.startswith("book.heading is required and has no default")
    optional = {"heading": str, "pages": int, "weight": float | None}
    assert [line.partition(" is required")[0] for line in await _told(bare_database_url, caplog, optional)] == [
        "book.heading"
    ]
    needed = {"heading": str, "pages": int, "weight": float}
    assert len(await _told(bare_database_url, caplog, needed)) == 2


def _loans(*, submittable: bool) -> Registry:
    names = {"__module__": __name__, "__qualname__": "Loan.Meta"}
    meta = type("Meta", (), {"submittable": submittable, **names})
    builder = RegistryBuilder()
    builder.add_doctype(type("Loan", (DocType,), {"Meta": meta, **names, "__qualname__": "Loan"}), "library")
    return builder.freeze()


async def test_a_doctype_stops_being_submittable(bare_database_url: str) -> None:
    """Its link to the amended document keeps its foreign key, which MariaDB lets no index leave without another."""
    registries = [_loans(submittable=True), _loans(submittable=False)]
    for registry in registries:
        await _sync(bare_database_url, registry)
    async with sql_store(bare_database_url, registries[-1]) as store:
        await sql_harness(store).store("Loan")
    await _sync(bare_database_url, registries[0])
