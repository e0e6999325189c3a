"""Ids that a caller chose to have one hash cost no more than others: each is compared a bounded number of times."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from framework_m import Comparison, DocType, Field
from framework_m_core.domain.errors import LinkTargetError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.services.queries.parsing import ListRequest

from .wiring import CONTEXT, Wired, wired

MANY = 300
MODULUS = 2**61 - 1
COLLIDING = [UUID(int=(7 << 64) + place * MODULUS) for place in range(MANY)]
PER_ID = 20
"""Comparisons that each id may take part in, merging, saving and comparing included."""


class Part(DocType):
    """What rows link to."""

    code: str = ""
    twin: UUID | None = Field(default=None, unique=True)


class KitRow(DocType):
    """A row with a link."""

    part: UUID | None = Field(default=None, link="Part")
    code: str | None = Field(default=None, fetch_from="part.code")

    class Meta:
        is_child_table = True


class Kit(DocType):
    """Links by many rows, and by a field of its own."""

    main: UUID | None = Field(default=None, link="Part")
    rows: list[KitRow] = Field(default_factory=list)


@pytest.fixture
async def kits(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Part, Kit):
        builder.add_doctype(doctype, "kits")
    async with wired(database_url, builder.freeze()) as opened:
        yield opened


@contextmanager
def comparisons(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The functions of ours that compare two UUIDs, or that hash one, as they do so."""
    equal, hashed = UUID.__eq__, UUID.__hash__
    seen: list[str] = []

    def compare(self: UUID, other: object) -> Any:
        seen.append("==")
        return equal(self, other)

    def count(self: UUID) -> int:
        caller = sys._getframe(1)
        if str(caller.f_globals.get("__name__", "")).startswith("framework_m_"):
            seen.append(f"hash in {caller.f_code.co_qualname}")
        return hashed(self)

    with monkeypatch.context() as patch:
        patch.setattr(UUID, "__eq__", compare)
        patch.setattr(UUID, "__hash__", count)
        yield seen


def check(seen: list[str]) -> None:
    """No id was a key, and none was compared with all others."""
    assert sorted({one for one in seen if one != "=="}) == []
    assert len(seen) <= MANY * PER_ID


async def add_parts(kits: Wired) -> None:
    async with kits.adapters.units(CONTEXT) as unit:
        for place, id in enumerate(COLLIDING):
            await unit.repository("Part").insert(Part(id=id, name=f"part-{place}", code=f"c{place}", twin=id))
        await unit.commit()


def test_the_ids_collide() -> None:
    assert len(set(map(hash, COLLIDING))) == 1


async def test_links_to_nothing(kits: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"part": str(id)} for id in COLLIDING]
    with comparisons(monkeypatch) as seen, pytest.raises(LinkTargetError):
        await kits.create("Kit", rows=rows)
    check(seen)


async def test_links_updates_and_deletes(kits: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    with comparisons(monkeypatch) as seen:
        await add_parts(kits)
    check(seen)
    rows: list[dict[str, Any]] = [{"part": str(id)} for id in COLLIDING]
    with comparisons(monkeypatch) as seen:
        kit = await kits.create("Kit", rows=rows, main=str(COLLIDING[0]))
    check(seen)
    assert [row["code"] for row in kit["rows"]] == [f"c{place}" for place in range(MANY)]
    turned = [{"id": str(row["id"]), "part": str(row["part"])} for row in reversed(kit["rows"])]
    with comparisons(monkeypatch) as seen:
        await kits.documents.update(CONTEXT, "Kit", kit["id"], {"rows": turned})
    check(seen)
    with comparisons(monkeypatch) as seen:
        await kits.documents.delete(CONTEXT, "Kit", kit["id"], hard=True)
    check(seen)


async def test_rows_whose_ids_collide(kits: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    async with kits.adapters.units(CONTEXT) as unit:
        kit = await unit.repository("Kit").insert(Kit(name="k", rows=[KitRow(id=id) for id in COLLIDING]))
        await unit.commit()
    given = [{"id": str(id), "code": None} for id in COLLIDING]
    with comparisons(monkeypatch) as seen:
        await kits.documents.update(CONTEXT, "Kit", kit.id, {"rows": given[: MANY // 2]})
    check(seen)


async def test_reads_by_many_ids(kits: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    await add_parts(kits)
    for id in COLLIDING[:100]:
        await kits.create("Kit", main=str(id))
    named = [{"field": "id", "operator": "in", "value": [str(id) for id in COLLIDING[:200]]}]
    with comparisons(monkeypatch) as seen:
        found = await kits.queries.list(CONTEXT, "Part", ListRequest(filters=named, limit=100))
        expanded = await kits.queries.list(CONTEXT, "Kit", ListRequest(expand=["main"], limit=100))
    assert len(found.items) == 100
    assert {one["main"]["code"] for one in expanded.items} == {f"c{place}" for place in range(100)}
    assert [one for one in seen if one != "=="] == []
    async with kits.adapters.units(CONTEXT) as unit:
        with comparisons(monkeypatch) as seen:
            gone = await unit.repository("Part").delete_where(Comparison("code", "eq", "c299"))
    assert (gone, [one for one in seen if one != "=="]) == (1, [])


async def test_a_document_links_to_a_bounded_number_of_others(kits: Wired) -> None:
    rows = [{"part": str(UUID(int=place))} for place in range(1, 1_002)]
    with pytest.raises(ValidationError) as refused:
        await kits.create("Kit", rows=rows)
    [error] = refused.value.errors
    assert (refused.value.code, error.code) == ("validation_failed", "out_of_bounds")
    assert error.params == {"max_links": 1_000, "doctype": "Part", "count": 1_001}
    with pytest.raises(LinkTargetError):
        await kits.create("Kit", rows=rows[:1_000])
    await add_parts(kits)
    same = await kits.create("Kit", rows=[{"part": str(COLLIDING[0])}] * 1_500)
    assert len(same["rows"]) == 1_500
