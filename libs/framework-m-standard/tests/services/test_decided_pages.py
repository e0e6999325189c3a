"""Reads under an engine that decides about every single document: pages are full, counts and cursors are right."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.errors import EntityNotFoundError, OutsideScopeError, QueryError
from framework_m_core.interfaces.permission import PolicyEvaluateRequest
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.queries import policy_pages as decided_pages
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_testing.fakes.permission import FakePermission

from .orders import order_registry
from .wiring import SCOPE, Wired, wired

ODD = [number for number in range(21) if number % 2]


def _decide(request: PolicyEvaluateRequest) -> bool:
    """Odd notes may be read, those above ten be written, those above fifteen be deleted."""
    number = int(request.document["number"])
    least = {"read": 0, "create": 0, "delete": 15}.get(request.action, 10)
    return bool(number % 2) and number > least


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
    return await shop.queries.list(SCOPE, "Note", ListRequest(order_by=("number",), fields=("number",), **request))


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
    monkeypatch.setattr(decided_pages, "MOST_EVALUATED", 4)
    monkeypatch.setattr(decided_pages, "_MOST_DECIDED", 8)
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = await _page(shop, limit=10, cursor=cursor)
        seen += [note["number"] for note in page.items]
        cursor, pages = page.next_cursor, pages + 1
    assert (seen, pages) == (ODD, 3)
    with pytest.raises(QueryError, match="at most 8 documents"):
        await _page(shop, limit=1, count="exact")


async def test_what_ends_at_the_bound_is_complete(shop: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decided_pages, "MOST_EVALUATED", 7)
    monkeypatch.setattr(decided_pages, "_MOST_DECIDED", 21)
    page = await _page(shop, limit=11, count="exact")
    assert (len(page.items), page.total, page.has_more) == (10, 10, False)


async def test_single_documents_are_decided_too(shop: Wired, ids: dict[int, UUID]) -> None:
    assert (await shop.stored("Note", ids[3]))["number"] == 3
    with pytest.raises(OutsideScopeError):
        await shop.documents.update(SCOPE, "Note", ids[3], {"text": "no"})
    assert (await shop.documents.update(SCOPE, "Note", ids[13], {"text": "yes"}))["text"] == "yes"
    with pytest.raises(OutsideScopeError):
        await shop.documents.update(SCOPE, "Note", ids[13], {"number": 3})
    with pytest.raises(OutsideScopeError):
        await shop.create("Note", number=2)


async def test_what_may_not_be_read_is_not_there(shop: Wired, ids: dict[int, UUID]) -> None:
    assert (await shop.stored("Note", ids[5]))["number"] == 5
    with pytest.raises(EntityNotFoundError):
        await shop.stored("Note", ids[4])


async def test_deleted_documents_are_for_those_who_may_delete_them(shop: Wired, ids: dict[int, UUID]) -> None:
    await shop.documents.delete(SCOPE, "Note", ids[17])
    page = await _page(shop, limit=20, include_deleted=True, count="exact")
    assert ([note["number"] for note in page.items], page.total) == ([17, 19], 2)


async def test_a_page_that_begins_beyond_the_bound_is_refused(shop: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty page without a cursor would say that there is nothing more."""
    monkeypatch.setattr(decided_pages, "MOST_EVALUATED", 4)
    monkeypatch.setattr(decided_pages, "_MOST_DECIDED", 8)
    with pytest.raises(QueryError, match="narrow the filter"):
        await _page(shop, limit=1, offset=5)


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
        await shop.documents.update(SCOPE, "Note", ids[number], {"answers": ids[number - 10]})
    engine.asked.clear()
    asked = ListRequest(fields=("number", "answers"), expand=("answers",))
    page = await shop.queries.list(SCOPE, "Note", asked)
    assert engine.asked == [21, 3]
    found = {note["number"]: note["answers"]["number"] for note in page.items if note["answers"]}
    assert found == {11: 1, 13: 3, 15: 5}
