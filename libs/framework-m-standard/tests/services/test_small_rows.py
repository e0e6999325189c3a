"""Pages of documents with many small rows: the values count, so that a page holds a bounded number of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from framework_m import DocType
from framework_m_core.domain.errors import AnswerTooLargeError
from framework_m_core.domain.fields.sizes import VALUE_BYTES
from framework_m_core.domain.page import TruncatedResult
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.queries import policy_pages
from framework_m_core.services.queries import service as query_service
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.rows import sizes
from framework_m_testing.fakes.permission import FakePermission

from .wiring import CONTEXT, Wired, wired

ROWS = 50
NARROWEST = 2 * VALUE_BYTES
"""Bytes of a row of a link or a number, with its id."""


class Reading(DocType):
    """A row without any text."""

    number: int | None = None
    by: UUID | None = None

    class Meta:
        is_child_table = True


class Meter(DocType):
    """Has rows of numbers and ids."""

    readings: list[Reading] = []

    class Meta:
        naming = "prompt"


@pytest.fixture(params=["by scope", "by policy engine"])
async def meters(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Wired]:
    """Four meters of as many rows, under a grant of either kind."""
    builder = RegistryBuilder()
    builder.add_doctype(Meter, "plant")
    registry = builder.freeze()
    decide = None if request.param == "by scope" else lambda _: True
    async with wired(database_url, registry, FakePermission(RegistryHandle(registry), decide=decide)) as opened:
        for name in "abcd":
            rows = [{"number": number, "by": UUID(int=number)} for number in range(ROWS)]
            await opened.create("Meter", name=name, readings=rows)
        yield opened


@pytest.fixture(autouse=True)
def budget(monkeypatch: pytest.MonkeyPatch) -> int:
    """The bytes of a page, in which no more rows than those of two meters find room."""
    size = NARROWEST * (3 * ROWS - 1)
    for module in (sizes, query_service, policy_pages):
        monkeypatch.setattr(module, "PAGE_BYTES", size)
    return size


def _asked(**request: Any) -> ListRequest:
    return ListRequest(**{"order_by": ("name",), "fields": ("readings",), "limit": 500, **request})


async def test_a_page_of_small_rows_ends_early_and_continues(meters: Wired, budget: int) -> None:
    seen, cursor, pages = list[str](), None, 0
    while pages == 0 or cursor:
        page = await meters.queries.list(CONTEXT, "Meter", _asked(cursor=cursor))
        rows = sum(len(meter["readings"]) for meter in page.items)
        assert rows <= max(ROWS, budget // NARROWEST)
        assert getattr(page, "truncated_by", None) == ("bytes" if page.has_more else None)
        seen += [meter["name"] for meter in page.items]
        cursor, pages = page.next_cursor, pages + 1
    assert seen == [*"abcd"]
    assert pages >= 2


async def test_what_no_cursor_continues_is_refused(meters: Wired) -> None:
    with pytest.raises(AnswerTooLargeError):
        await meters.queries.list(CONTEXT, "Meter", _asked(offset=1))


async def test_documents_without_their_rows_fit(meters: Wired) -> None:
    page = await meters.queries.list(CONTEXT, "Meter", _asked(fields=("name",)))
    assert (len(page.items), isinstance(page, TruncatedResult)) == (4, False)
