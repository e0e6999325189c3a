"""The default order and the default filters of lists, on every store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from framework_m import DocType, Field
from framework_m_core.domain.errors import QueryError
from framework_m_core.domain.page import PaginatedResult
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.services.queries.parsing import ListRequest

from .wiring import CONTEXT, Wired, wired

SHOWN = ListRequest(default_filters=True)


class Flat(DocType):
    """Ordered by sequence, then by price, the dearest first."""

    label: str
    sequence: int | None = None
    price: Decimal = Field(default=Decimal(0), scale=2)
    active: bool = True
    stars: int = 3

    class Meta:
        naming = "field:label"
        order_by = ("sequence", "-price")
        default_filters = {"active": True, "stars__in": (3, 4, 5)}  # as apps write it


@pytest.fixture
async def estate(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    builder.add_doctype(Flat, "estate")
    async with wired(database_url, builder.freeze()) as opened:
        for label, sequence, price in (("d", None, 9), ("b", 1, 5), ("c", 2, 1), ("a", 1, 7), ("e", None, 9)):
            await opened.create("Flat", label=label, sequence=sequence, price=Decimal(price))
        await opened.create("Flat", label="old", sequence=0, active=False)
        await opened.create("Flat", label="poor", sequence=0, price=Decimal(1), stars=1)
        yield opened


async def _labels(estate: Wired, request: ListRequest) -> list[str]:
    page = await estate.documents.list(CONTEXT, "Flat", request)
    return [item["label"] for item in page.items]


def _eq(field: str, value: Any, operator: str = "eq") -> list[dict[str, Any]]:
    return [{"field": field, "operator": operator, "value": value}]


async def test_lists_have_the_order_of_their_doctype(estate: Wired) -> None:
    assert await _labels(estate, SHOWN) == ["a", "b", "c", "e", "d"]
    assert await _labels(estate, replace(SHOWN, order_by="label")) == ["a", "b", "c", "d", "e"]


async def test_cursors_and_iterations_follow_it(estate: Wired) -> None:
    found, cursor = [], None
    while True:
        page = await estate.documents.list(CONTEXT, "Flat", replace(SHOWN, limit=2, cursor=cursor, fields=["label"]))
        found += [item["label"] for item in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert found == ["a", "b", "c", "e", "d"]
    client = estate.documents.client_for(CONTEXT)
    assert [one["label"] async for one in client.iterate("Flat", batch=2)] == ["poor", "old", "a", "b", "c", "e", "d"]


async def test_a_page_names_its_default_filters(estate: Wired) -> None:
    page: Any = await estate.documents.list(CONTEXT, "Flat", replace(SHOWN, limit=1, count="exact"))
    assert page.default_filters == [*_eq("active", True), *_eq("stars", [3, 4, 5], "in")]
    assert (page.total, page.has_more) == (5, True)
    whole = await estate.documents.list(CONTEXT, "Flat", ListRequest(count="exact"))
    assert type(whole) is PaginatedResult and whole.total == 7


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (_eq("active", False), ["old"]),
        ({"or": [*_eq("active", False), *_eq("label", "b")]}, ["old", "b"]),
        (_eq("stars", 5, "lt"), ["a", "b", "c", "e", "d", "poor"]),
        (_eq("name", "old"), ["old"]),
        (_eq("price", "5"), ["b"]),
    ],
)
async def test_a_filter_takes_the_place_of_those_of_its_field(estate: Wired, filters: Any, expected: list[str]) -> None:
    assert sorted(await _labels(estate, replace(SHOWN, filters=filters))) == sorted(expected)


async def test_code_has_them_where_it_asks_for_them(estate: Wired) -> None:
    client = estate.documents.client_for(CONTEXT)
    assert await client.count("Flat") == 7
    assert await client.exists("Flat", label="old")
    assert len((await client.list("Flat")).items) == 7
    assert len((await client.list("Flat", default_filters=True)).items) == 5


async def test_a_cursor_of_another_order_is_refused(estate: Wired) -> None:
    page = await estate.documents.list(CONTEXT, "Flat", replace(SHOWN, limit=1))
    with pytest.raises(QueryError):
        await estate.documents.list(CONTEXT, "Flat", replace(SHOWN, order_by="label", cursor=page.next_cursor))
