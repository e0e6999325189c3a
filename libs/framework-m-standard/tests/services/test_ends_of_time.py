"""The first and the last day, and moment, that a store holds are dates like others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from framework_m import DocType
from framework_m_core.domain.errors import ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.services.queries.parsing import ListRequest

from ..sql.wiring import sql_store
from .wiring import CONTEXT, Wired, wired

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Span(DocType):
    day: date | None = None
    moment: datetime | None = None


def _registry() -> Any:
    builder = RegistryBuilder()
    builder.add_doctype(Span, "spans")
    return builder.freeze()


@pytest.fixture
async def spans(database_url: str) -> AsyncIterator[Wired]:
    async with wired(database_url, _registry()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ("day", "0001-01-01", date.min),
        ("day", "9999-12-31", date.max),
        ("moment", "0001-01-01T00:00:00Z", FIRST),
        ("moment", "0001-01-01T05:00:00+05:00", FIRST),
        ("moment", "9999-12-31T23:59:59.999999Z", LAST),
    ],
)
async def test_the_ends_are_stored_found_and_ordered(spans: Wired, field: str, raw: str, value: object) -> None:
    made = await spans.create("Span", **{field: raw})
    middle = await spans.create("Span", day="2026-01-01", moment="2026-01-01T00:00:00Z")
    assert (await spans.stored("Span", made["id"]))[field] == value
    found = await _listed(spans, filters=[{"field": field, "operator": "eq", "value": raw}])
    assert found == [made["id"]]
    ordered = [made["id"], middle["id"]] if raw.startswith("0001") else [middle["id"], made["id"]]
    assert await _listed(spans, order_by=field) == ordered


async def _listed(spans: Wired, **parameters: Any) -> list[Any]:
    page = await spans.documents.list(CONTEXT, "Span", ListRequest(**parameters))
    return [item["id"] for item in page.items]


@pytest.mark.parametrize("raw", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
async def test_a_moment_is_bounded_in_utc(spans: Wired, raw: str) -> None:
    with pytest.raises(ValidationError) as refused:
        await spans.create("Span", moment=raw)
    assert [(error.field, error.code) for error in refused.value.errors] == [("moment", "out_of_bounds")]


async def test_postgres_holds_them_as_dates_and_not_as_infinity(postgres_url: str) -> None:
    async with wired(postgres_url, _registry()) as spans:
        await spans.create("Span", day="9999-12-31", moment="9999-12-31T23:59:59.999999Z")
        await spans.create("Span", day="0001-01-01", moment="0001-01-01T00:00:00Z")
        async with sql_store(postgres_url, _registry()) as sql:
            driver: Any = sql.global_driver
            connection = await driver.connect()
            try:
                where = "day IN ('9999-12-31', '0001-01-01') AND isfinite(day) AND isfinite(moment)"
                assert await connection.fetchval(f"SELECT count(*) FROM span WHERE {where}") == 2
                assert await connection.fetchval("SELECT 'infinity'::date") == date.max
                assert await connection.fetchval("SELECT '-infinity'::timestamptz") == FIRST
            finally:
                await connection.close()
