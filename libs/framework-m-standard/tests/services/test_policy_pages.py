"""Reads under an engine that decides about every single document: pages are full, counts and cursors are right."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.errors import AnswerTooLargeError, EntityNotFoundError, OutsideScopeError, QueryError
from framework_m_core.domain.filters.tree import EVERYTHING, Comparison
from framework_m_core.domain.page import TruncatedResult
from framework_m_core.interfaces.permission import PolicyEvaluateRequest
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.links import expansion, targets
from framework_m_core.services.queries import policy_pages as decided_pages
from framework_m_core.services.queries import service as query_service
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.rows import sizes
from framework_m_testing.fakes.permission import FakePermission

from .orders import order_registry
from .wiring import CONTEXT, Wired, wired

ODD = [number for number in range(21) if number % 2]


def _decide(request: PolicyEvaluateRequest) -> bool:
    """Odd notes may be read, those above ten be written, those above fifteen be deleted."""
    number = int(request.document["number"])
    minimum = {"read": 0, "create": 0, "delete": 15}.get(request.action, 10)
    return bool(number % 2) and number > minimum


@pytest.fixture
def ids() -> dict[int, UUID]:
    """The ids of the notes by number, filled by `shop`."""
    return {}


@pytest.fixture
def engine() -> FakePermission:
    """Decides, and lists how many documents each question was about."""
    return FakePermission(RegistryHandle(order_registry()), decide=_decide)


@pytest.fixture
async def shop(database_url: str, ids: dict[int, UUID], engine: FakePermission) -> AsyncIterator[Wired]:
    registry = order_registry()
    async with wired(database_url, registry) as open_to_all:
        for number in range(21):
            ids[number] = (await open_to_all.create("Note", number=number))["id"]
    async with wired(database_url, registry, engine) as decided:
        yield decided


async def _page(shop: Wired, **request: Any) -> Any:
    return await shop.queries.list(CONTEXT, "Note", ListRequest(order_by=("number",), fields=("number",), **request))


async def test_pages_are_full_and_end_when_there_is_nothing_more(shop: Wired) -> None:
    seen: list[int] = []
    cursor = None
    for _ in range(4):
        page = await _page(shop, limit=3, cursor=cursor)
        seen += [note["number"] for note in page.items]
        cursor = page.next_cursor
        assert page.has_more == (cursor is not None)
    assert seen == ODD
    assert cursor is None


async def test_an_exact_page_has_no_more(shop: Wired) -> None:
    page = await _page(shop, limit=10)
    assert ([note["number"] for note in page.items], page.has_more, page.next_cursor) == (ODD, False, None)


async def test_offsets_count_what_may_be_read(shop: Wired) -> None:
    page = await _page(shop, limit=2, offset=3, count="exact")
    assert ([note["number"] for note in page.items], page.total, page.has_more) == ([7, 9], 10, True)


async def test_only_the_fields_asked_for_are_served(shop: Wired) -> None:
    page = await _page(shop, limit=1)
    assert set(page.items[0]) == {"id", "name", "_version", "number"}


async def test_a_request_decides_about_a_bounded_number(shop: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is short, says so, and its cursor goes on; a count would be wrong, so it is refused."""
    monkeypatch.setattr(decided_pages, "MAX_EVALUATED", 4)
    monkeypatch.setattr(decided_pages, "_MAX_DECIDED", 8)
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = await _page(shop, limit=10, cursor=cursor)
        seen += [note["number"] for note in page.items]
        cursor, pages = page.next_cursor, pages + 1
    assert (seen, pages) == (ODD, 3)
    with pytest.raises(QueryError) as refused:
        await _page(shop, limit=1, count="exact")
    assert _places(refused.value) == [("count", "out_of_bounds", {"max_decided": 8})]


def _places(error: QueryError) -> list[tuple[str, str, Any]]:
    return [(one.field, one.code, one.params) for one in error.errors]


def _budget(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    for module in (sizes, query_service, decided_pages):
        monkeypatch.setattr(module, "PAGE_BYTES", size)


async def test_pages_of_large_documents_end_early_and_visit_each_once(
    shop: Wired, ids: dict[int, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page shows about two notes at a time."""
    await _write_texts(shop, ids, "x" * 150)
    _budget(monkeypatch, 500)
    seen, cursor, pages = list[int](), None, 0
    while pages == 0 or cursor:
        asked = ListRequest(order_by=("number",), fields=("number", "text"), limit=10, cursor=cursor)
        page = await shop.queries.list(CONTEXT, "Note", asked)
        assert isinstance(page, TruncatedResult) == page.has_more
        seen += [note["number"] for note in page.items]
        cursor, pages = page.next_cursor, pages + 1
    assert seen == ODD
    assert pages > 3
    assert (await _page(shop, limit=1, count="exact")).total == len(ODD)
    with pytest.raises(AnswerTooLargeError):
        await shop.queries.list(CONTEXT, "Note", ListRequest(fields=("number", "text"), limit=10, offset=1))


async def _write_texts(shop: Wired, ids: dict[int, UUID], text: str) -> None:
    async with shop.adapters.units(CONTEXT) as unit:
        await unit.repository("Note").update_where(EVERYTHING, {"text": text})
        await unit.commit()


@pytest.mark.parametrize("length", [0, 2_000])
async def test_the_bytes_of_what_is_not_shown_decide_about_nothing(
    shop: Wired, ids: dict[int, UUID], monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """The engine sees whole documents, and is asked about few of them at a time; the page is the same."""
    await _write_texts(shop, ids, "x" * length)
    _budget(monkeypatch, 10 * 150)
    page = await _page(shop, limit=10)
    assert not isinstance(page, TruncatedResult)
    assert ([note["number"] for note in page.items], page.has_more, page.next_cursor) == (ODD, False, None)
    assert [note["number"] for note in (await _page(shop, limit=3, offset=2)).items] == ODD[2:5]


@pytest.mark.parametrize("decides", [True, False])
async def test_documents_deleted_after_a_page_is_measured_are_not_missed(
    shop: Wired, engine: FakePermission, monkeypatch: pytest.MonkeyPatch, decides: bool
) -> None:
    _budget(monkeypatch, 3 * 250)
    if not decides:
        monkeypatch.setattr(engine, "_decide", None)
    fetch, reads = shop.adapters.reader.fetch, list[Any]()

    async def fetch_then_delete(*arguments: Any) -> Any:
        reads.append(await fetch(*arguments))
        if len(reads) == 1:
            async with shop.adapters.units(CONTEXT) as unit:
                await unit.repository("Note").delete_where(EVERYTHING)
                await unit.commit()
        return reads[-1]

    monkeypatch.setattr(shop.adapters.reader, "fetch", fetch_then_delete)
    page = await _page(shop, limit=10)
    assert (list(page.items), page.has_more, page.next_cursor) == ([], False, None)
    assert [len(rows) for rows in reads] == [11, 0]


async def test_what_ends_at_the_bound_is_complete(shop: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decided_pages, "MAX_EVALUATED", 7)
    monkeypatch.setattr(decided_pages, "_MAX_DECIDED", 21)
    page = await _page(shop, limit=11, count="exact")
    assert (len(page.items), page.total, page.has_more) == (10, 10, False)


async def test_single_documents_are_decided_too(shop: Wired, ids: dict[int, UUID]) -> None:
    assert (await shop.stored("Note", ids[3]))["number"] == 3
    with pytest.raises(OutsideScopeError):
        await shop.documents.update(CONTEXT, "Note", ids[3], {"text": "no"})
    assert (await shop.documents.update(CONTEXT, "Note", ids[13], {"text": "yes"}))["text"] == "yes"
    with pytest.raises(OutsideScopeError):
        await shop.documents.update(CONTEXT, "Note", ids[13], {"number": 3})
    with pytest.raises(OutsideScopeError):
        await shop.create("Note", number=2)


async def test_what_may_not_be_read_is_not_there(shop: Wired, ids: dict[int, UUID]) -> None:
    assert (await shop.stored("Note", ids[5]))["number"] == 5
    with pytest.raises(EntityNotFoundError):
        await shop.stored("Note", ids[4])


async def test_deleted_documents_are_for_those_who_may_delete_them(shop: Wired, ids: dict[int, UUID]) -> None:
    await shop.documents.delete(CONTEXT, "Note", ids[17])
    page = await _page(shop, limit=20, include_deleted=True, count="exact")
    assert ([note["number"] for note in page.items], page.total) == ([17, 19], 2)


async def test_a_page_that_begins_beyond_the_bound_is_refused(shop: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty page without a cursor would say that there is nothing more."""
    monkeypatch.setattr(decided_pages, "MAX_EVALUATED", 4)
    monkeypatch.setattr(decided_pages, "_MAX_DECIDED", 8)
    with pytest.raises(QueryError) as refused:
        await _page(shop, limit=1, offset=5)
    assert _places(refused.value) == [("offset", "out_of_bounds", {"max_decided": 8})]
    with pytest.raises(QueryError) as refused:
        await _page(shop, limit=1, filters=[{"field": "number", "operator": "in", "value": [*range(0, 21, 2)]}])
    assert _places(refused.value) == [("filters", "out_of_bounds", {"max_decided": 8})]


async def test_a_cursor_holds_nothing_of_a_refused_document(shop: Wired) -> None:
    page = await _page(shop, limit=1)
    signature, (number, _) = json.loads(base64.urlsafe_b64decode(page.next_cursor + "=="))
    assert (signature, number) == ("number,id", 1)


async def test_the_engine_is_asked_about_a_page_at_once(shop: Wired, engine: FakePermission) -> None:
    await _page(shop, limit=20)
    assert engine.asked == [21]
    engine.asked.clear()
    await _page(shop, limit=2, offset=1)
    assert engine.asked == [4, 8]
    engine.asked.clear()
    await _page(shop, limit=20, include_deleted=True, count="exact")
    assert engine.asked == [21, 10, 21, 10], "only documents that may be read are asked about for delete"


async def test_the_targets_of_links_are_asked_about_at_once(
    shop: Wired, engine: FakePermission, ids: dict[int, UUID]
) -> None:
    for number in (11, 13, 15):
        await shop.documents.update(CONTEXT, "Note", ids[number], {"answers": ids[number - 10]})
    engine.asked.clear()
    asked = ListRequest(fields=("number", "answers"), expand=("answers",))
    page = await shop.queries.list(CONTEXT, "Note", asked)
    assert engine.asked == [21, 3]
    found = {note["number"]: note["answers"]["number"] for note in page.items if note["answers"]}
    assert found == {11: 1, 13: 3, 15: 5}


async def test_targets_that_are_too_large_together_are_read_one_at_a_time(
    shop: Wired, engine: FakePermission, ids: dict[int, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (11, 13, 15):
        await shop.documents.update(CONTEXT, "Note", ids[number], {"answers": ids[number - 10]})
    await _write_texts(shop, ids, "x" * 600)
    monkeypatch.setattr(targets, "PAGE_BYTES", 1_000)
    engine.asked.clear()
    page = await shop.queries.list(CONTEXT, "Note", ListRequest(fields=("number", "answers"), titles=True))
    assert engine.asked == [21, 1, 1, 1]
    assert {note["number"] for note in page.items if note["_titles"]} == {11, 13, 15}


async def test_the_bytes_of_hidden_targets_decide_about_nothing(
    shop: Wired, ids: dict[int, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (11, 13):
        await shop.documents.update(CONTEXT, "Note", ids[number], {"answers": ids[number - 10]})
    async with shop.adapters.units(CONTEXT) as unit:
        notes = unit.repository("Note")
        for number in (15, 17, 19):
            await notes.update_where(Comparison("id", "eq", ids[number]), {"answers": ids[number - 13]})
        await notes.update_where(Comparison("number", "in", (2, 4, 6)), {"text": "x" * 600})
        await unit.commit()
    monkeypatch.setattr(expansion, "_MAX_BYTES", 1_000)
    asked = ListRequest(fields=("number", "answers"), expand=("answers",))
    page = await shop.queries.list(CONTEXT, "Note", asked)
    shown = {note["number"]: note["answers"] for note in page.items if note["answers"]}
    assert {number for number, target in shown.items() if isinstance(target, dict)} == {11, 13}
    assert {number for number, target in shown.items() if isinstance(target, UUID)} == {15, 17, 19}
    await _write_texts(shop, ids, "x" * 600)
    with pytest.raises(AnswerTooLargeError):
        await shop.queries.list(CONTEXT, "Note", asked)
