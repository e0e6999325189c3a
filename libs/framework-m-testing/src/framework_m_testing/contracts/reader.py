"""The contract of `DocumentReaderProtocol`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framework_m_core.domain.fields.sizes import VALUE_BYTES
from framework_m_core.domain.filters.matching import matches
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import EVERYTHING, And, Comparison, Filter
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.reader import ChildSelection, QueryTemplate
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.codec import build_document
from framework_m_core.services.documents.validation import dump_document
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.queries.heavy_reads import HeavyReads
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.rows.projection import convert_row, select_stored_fields
from framework_m_testing.contracts.contract import StoreContract
from framework_m_testing.fakes.permission import FakePermission
from framework_m_testing.harness import StoreHarness, build_sample_registry
from framework_m_testing.strategies import documents, filters, orders, texts

__all__ = ["ReaderContract", "Values"]

type Values = dict[str, Any]

_PLAN = build_sample_registry().get("Thing")
_ROWS = st.lists(documents(_PLAN), min_size=1, max_size=6)
_TEXT_ROWS = st.lists(texts().map(lambda text: {"text": text}), min_size=1, max_size=6)
_many = settings(
    max_examples=max(300, settings.default.max_examples if settings.default else 0),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors, HealthCheck.too_slow],
)


class ReaderContract(StoreContract):
    """The contract of rows, filters, orders and cursors. Provide a fixture `open_store`."""

    async def test_rows_hold_the_asked_fields_in_their_order_as_domain_values(self, store: StoreHarness) -> None:
        """Rows hold domain values in the requested order; child selections are lists of tuples in row order."""
        rows = [{"what": "b", "amount": Decimal("1.250")}, {"what": "a", "amount": Decimal(2)}]
        thing = await store.store("Thing", price="1.50", number=7, slots=rows)
        asked = ("price", ChildSelection("slots", ("amount", "what")), "id", "number", "note", "creation")
        found = await _fetch(store, QueryTemplate(_PLAN, asked, Comparison("id", "eq", thing.id)))
        nested = [(Decimal("1.250"), "b"), (Decimal("2.000"), "a")]
        assert [tuple(row) for row in found] == [(Decimal("1.50"), nested, thing.id, 7, None, thing.creation)]
        assert str(found[0][0]) == "1.50"

    async def test_rows_tell_their_size_before_they_are_read(self, store: StoreHarness) -> None:
        """Sizes count the bytes of the chosen fields and child rows, in the order and page of the template."""
        for number, width in enumerate((10, 90_000, 5_000)):
            text = "ä" * width
            await store.store(
                "Thing", number=number, text=text, photo=text.encode(), extra={"a": text}, slots=[{"what": text}] * 2
            )
        parts = ("text", "photo", "extra", ChildSelection("slots", ("id", "what")), "number")
        for fields, times in ((parts, 5), *(((part,), 1) for part in parts[:3]), (parts[3:4], 2)):
            template = QueryTemplate(_PLAN, fields, order_by=(OrderSpec("number"),), paged=True, sizes=True)
            sizes = [size for (size,) in await _fetch(store, template, 10, 1)]
            assert len(sizes) == 2
            for size, width in zip(sizes, (90_000, 5_000), strict=True):
                assert 2 * width * times <= size < 2 * width * times + 1_000
        bare = QueryTemplate(_PLAN, ("number", "id"), sizes=True)
        assert all(2 * VALUE_BYTES <= size < 1_000 for (size,) in await _fetch(store, bare))

    async def test_every_value_counts_in_the_size_of_a_row(self, store: StoreHarness) -> None:
        """Numbers, ids and what is null count `VALUE_BYTES` each, so that child rows are bounded in number."""
        await store.store("Thing", slots=[{"what": "", "amount": Decimal(number)} for number in range(200)])
        parts = (ChildSelection("slots", ("id", "amount", "what")), "note", "number")
        ((size,),) = await _fetch(store, QueryTemplate(_PLAN, parts, sizes=True))
        assert (200 * 3 + 2) * VALUE_BYTES <= size < 200 * 200

    async def test_a_document_without_rows_has_an_empty_selection(self, store: StoreHarness) -> None:
        """The selection is empty or None, and never contains another document's rows."""
        await store.store("Thing", slots=[{"what": "x"}])
        bare = await store.store("Thing")
        template = QueryTemplate(_PLAN, (ChildSelection("slots", ("id", "what")),), Comparison("id", "eq", bare.id))
        assert [list(row[0] or ()) for row in await _fetch(store, template)] == [[]]

    async def test_soft_deleted_documents_are_rows_like_others(self, store: StoreHarness) -> None:
        """The reader returns soft-deleted documents unless the query filters them out."""
        thing = await store.store("Thing")
        thing.deleted_at = thing.modified
        async with store.units(store.context) as unit:
            await unit.repository("Thing").update(thing, expected_version=1)
            await unit.commit()
        assert len(await _fetch(store, QueryTemplate(_PLAN, ("id",)))) == 1
        assert await _fetch(store, QueryTemplate(_PLAN, ("id",), Comparison("deleted_at", "is_null", True))) == []

    async def test_a_page_has_a_limit_and_an_offset_and_a_count_is_a_number(self, store: StoreHarness) -> None:
        """The values of limit and offset follow those of the filter; a count is one number."""
        for number in range(5):
            await store.store("Thing", number=number)
        where, values = parameterize(Comparison("number", "gt", 0))
        page = QueryTemplate(_PLAN, ("number",), where, (OrderSpec("number", descending=True),), paged=True)
        handle = store.reader.prepare(page)
        assert [row[0] for row in await store.reader.fetch(store.context, handle, (*values, 2, 1))] == [3, 2]
        count = store.reader.prepare(QueryTemplate(_PLAN, (), where, count=True))
        assert [tuple(row) for row in await store.reader.fetch(store.context, count, values)] == [(4,)]

    async def test_a_handle_is_kept_and_used_with_other_values(self, store: StoreHarness) -> None:
        """A handle can be reused with other values for the lifetime of the reader."""
        await store.store("Thing", number=1)
        where, _ = parameterize(Comparison("number", "in", (1, 2, 3)))
        handle = store.reader.prepare(QueryTemplate(_PLAN, ("number",), where))
        found = [
            len(await store.reader.fetch(store.context, handle, values))
            for values in ((1, 2, 3, 3), (4, 5, 6, 6), (9, 9, 9, 1))
        ]
        assert found == [1, 0, 1]

    @pytest.mark.parametrize("template", [
        QueryTemplate(_PLAN, ("nothing",)),
        QueryTemplate(_PLAN, ("id",), Comparison("nothing", "is_null", True)),
        QueryTemplate(_PLAN, ("id",), EVERYTHING, (OrderSpec("nothing"),)),
        QueryTemplate(_PLAN, (ChildSelection("slots", ("nothing",)),)),
    ])  # fmt: skip
    async def test_unknown_names_are_refused(
        self, store: StoreHarness, template: QueryTemplate[CompiledDocType]
    ) -> None:
        """Preparing a query with an unknown name raises KeyError."""
        with pytest.raises(KeyError):
            store.reader.prepare(template)

    @pytest.mark.slow
    @_many
    @given(rows=_ROWS, trees=st.lists(filters(_PLAN), min_size=1, max_size=4))
    async def test_a_filter_means_what_matches_says(
        self, store: StoreHarness, rows: list[Values], trees: list[Filter]
    ) -> None:
        """Filters agree with `matches` for random trees and documents, so row-level security is the same everywhere."""
        await _compare(store, rows, trees)

    @_many
    @given(rows=_TEXT_ROWS, trees=st.lists(filters(_PLAN, only=["text"]), min_size=1, max_size=4))
    async def test_text_is_compared_and_searched_alike(
        self, store: StoreHarness, rows: list[Values], trees: list[Filter]
    ) -> None:
        """Text is compared by code point, including wildcards, escapes and letters beyond ASCII."""
        await _compare(store, rows, trees)

    @pytest.mark.slow
    @_many
    @given(rows=_ROWS, order_by=orders(_PLAN), limit=st.integers(1, 4))
    async def test_pages_by_cursor_visit_each_document_once_in_order(
        self, store: StoreHarness, rows: list[Values], order_by: list[str], limit: int
    ) -> None:
        """Cursors visit each document once; nulls come last in both directions, ties are ordered by id."""
        stored = await _put(store, rows)
        assert await _walk(store, order_by, limit) == [document["id"] for document in _sorted(stored, order_by)]

    @pytest.mark.slow
    @_many
    @given(rows=_ROWS)
    async def test_every_value_comes_back_as_it_was_stored(self, store: StoreHarness, rows: list[Values]) -> None:
        """Every value keeps its value and type, including bounds, JSON and child rows."""
        stored = {document["id"]: document for document in await _put(store, rows)}
        found = await _fetch(store, QueryTemplate(_PLAN, select_stored_fields(_PLAN)))
        read = [convert_row(select_stored_fields(_PLAN), row) for row in found]
        assert {document["id"]: document for document in read} == stored
        assert [
            name for document in read for name in document if _differs(document[name], stored[document["id"]][name])
        ] == []


async def _fetch(store: StoreHarness, template: QueryTemplate[CompiledDocType], *paging: int) -> list[Any]:
    where, values = parameterize(template.where)
    handle = store.reader.prepare(replace(template, where=where))
    return await store.reader.fetch(store.context, handle, (*values, *paging))


async def _put(store: StoreHarness, rows: Sequence[Values]) -> list[Values]:
    """Replace all Things by these documents and return their stored values."""
    stored = []
    async with store.units(store.context) as unit:
        things = unit.repository("Thing")
        await things.delete_where(And())
        for row in rows:
            slots = row.get("slots", ())
            blank = dump_document(_PLAN, store.new("Thing", slots=[{"what": ""} for _ in slots]))
            filled = [{**made, **given} for made, given in zip(blank["slots"], slots, strict=True)]
            thing = build_document(_PLAN, {**blank, **row, "slots": filled})
            stored.append(dump_document(_PLAN, await things.insert(thing)))
        await unit.commit()
    return stored


async def _compare(store: StoreHarness, rows: list[Values], trees: list[Filter]) -> None:
    stored = await _put(store, rows)
    for tree in trees:
        found = {row[0] for row in await _fetch(store, QueryTemplate(_PLAN, ("id",), tree))}
        assert found == {document["id"] for document in stored if matches(tree, document)}, tree


async def _walk(store: StoreHarness, order_by: list[str], limit: int) -> list[Any]:
    queries = QueryService(
        store.registry_handle,
        store.reader,
        PermissionService(FakePermission(store.registry_handle)),
        HeavyReads(store.reader.heavy_reads, 2),
    )
    seen: list[Any] = []
    cursor = None
    while True:
        request = ListRequest(limit=limit, cursor=cursor, order_by=order_by, fields=())
        page = await queries.list(store.context, "Thing", request)
        seen += [item["id"] for item in page.items]
        cursor = page.next_cursor
        if cursor is None or len(seen) > 100:
            return seen


def _sorted(stored: list[Values], order_by: list[str]) -> list[Values]:
    """Sort documents by definition: nulls last in both directions, ties by id in the direction of the last field."""
    wanted = order_by or ["-creation"]
    if "id" not in {name.removeprefix("-") for name in wanted}:
        wanted = [*wanted, "-id" if wanted[-1].startswith("-") else "id"]
    for text in reversed(wanted):
        name, descending = text.removeprefix("-"), text.startswith("-")
        known = [document for document in stored if document[name] is not None]
        known.sort(key=lambda document: document[name], reverse=descending)
        stored = known + [document for document in stored if document[name] is None]
    return stored


def _differs(read: Any, stored: Any) -> bool:
    """Return whether a value was read as another type; to a caller, 1 is neither True nor 1.0."""
    return not isinstance(read, type(stored))
