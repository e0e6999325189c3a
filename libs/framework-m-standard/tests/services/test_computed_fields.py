"""Computed fields on every store: stored as plain fields, rows before their document, fixed by submitting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from pydantic import computed_field

from framework_m import Controller, DocType, Field, computed
from framework_m_core.domain.errors import ControllerError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_core.services.metadata.disclosure import Disclosure
from framework_m_core.services.metadata.schemas import describe_document, describe_input
from framework_m_core.services.queries.parsing import ListRequest

from .wiring import CONTEXT, Wired, wired

RATE = Decimal("1")


class Extent(StrEnum):
    SMALL = "small"
    LARGE = "large"


class QuoteLine(DocType):
    qty: Decimal = Field(scale=3)
    rate: Decimal = Field(default=Decimal(0), scale=2)

    @computed(scale=2)
    def amount(self) -> Decimal:
        return self.qty * self.rate

    class Meta:
        is_child_table = True


class Quote(DocType):
    title: str = ""
    divisor: int = 1
    lines: list[QuoteLine] = Field(default=[], allow_on_submit=True)

    @computed(scale=2, le=1_000_000, index=True)
    def gross(self) -> Decimal:
        return self.net * Decimal("1.19")

    @computed(scale=2)
    def net(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0)) * RATE

    @computed
    def size(self) -> Extent:
        return Extent.LARGE if self.gross > 100 else Extent.SMALL

    @computed(allow_on_submit=True)
    def count(self) -> int:
        return len(self.lines) // self.divisor

    @computed_field(json_schema_extra={"label": "Heading"})  # type: ignore[prop-decorator]
    @property
    def heading(self) -> str | None:
        return self.title.upper() or None

    @computed
    def words(self) -> list[str]:
        return self.title.split()

    class Meta:
        submittable = True


class QuoteController(Controller[Quote]):
    async def validate(self) -> None:
        if self.doc.title == "free":
            self.doc.lines = []
            assert self.doc.gross == 0
        if self.doc.title == "more":
            self.doc.lines = [*self.doc.lines, QuoteLine(qty=Decimal(1), rate=Decimal("0.5"))]
        if self.doc.title == "assigned":
            self.doc.net = Decimal(1)  # type: ignore[assignment] # which is refused

    async def after_save(self) -> None:
        assert vars(self.doc)["net"] == self.doc.net

    async def on_cancel(self) -> None:
        self.doc.title = f"{self.doc.net}"


@pytest.fixture
async def bills(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (QuoteLine, Quote):
        builder.add_doctype(doctype, "bills")
    builder.add_controller(QuoteController)
    async with wired(database_url, builder.freeze()) as opened:
        yield opened


async def _make(bills: Wired, title: str = "a b", **values: Any) -> dict[str, Any]:
    lines = [{"qty": "3", "rate": "10.01"}, {"qty": "0.333", "rate": "0.50"}]
    return await bills.create("Quote", title=title, **{"lines": lines, **values})


async def test_rows_are_computed_before_their_document(bills: Wired) -> None:
    made = await _make(bills)
    assert made == await bills.stored("Quote", made["id"])
    assert [row["amount"] for row in made["lines"]] == [Decimal("30.03"), Decimal("0.17")]
    assert (made["net"], made["gross"]) == (Decimal("30.20"), Decimal("35.94"))
    assert (made["size"], made["count"], made["heading"], made["words"]) == ("small", 2, "A B", ["a", "b"])
    changed = await bills.documents.update(CONTEXT, "Quote", made["id"], {"lines": [{"qty": "100", "rate": "1"}]})
    assert changed == await bills.stored("Quote", made["id"])
    assert (changed["net"], changed["size"], changed["count"]) == (Decimal("100.00"), "large", 1)
    [*_, entry] = await bills.audits("Quote", made["id"])
    assert {"net", "gross", "size", "count", "lines"} == entry.changes.keys()


async def test_hooks_see_what_is_computed_now(bills: Wired) -> None:
    assert (await _make(bills, "free"))["gross"] == 0
    assert (await _make(bills, "more"))["net"] == Decimal("30.70")
    with pytest.raises(ControllerError, match=r"Quote\.net"):
        await _make(bills, "assigned")


async def test_they_are_filtered_and_sorted_by(bills: Wired) -> None:
    for qty in ("1", "300", "20"):
        await _make(bills, lines=[{"qty": qty, "rate": "1"}])
    wanted = [{"field": "gross", "operator": "gt", "value": "2"}]
    page = await bills.documents.list(CONTEXT, "Quote", ListRequest(filters=wanted, order_by="-net", fields="net,size"))
    assert [(one["net"], one["size"]) for one in page.items] == [(300, "large"), (20, "small")]


async def test_a_body_sets_none_of_them_but_may_repeat_them(bills: Wired) -> None:
    with pytest.raises(ValidationError) as refused:
        await _make(bills, net="1", lines=[{"qty": "1", "amount": "2"}])
    assert [(one.field, one.code) for one in refused.value.errors] == [
        ("net", "not_writable"),
        ("lines.0.amount", "not_writable"),
    ]
    made = await _make(bills)
    assert await bills.documents.update(CONTEXT, "Quote", made["id"], made) == made
    with pytest.raises(ValidationError):
        await bills.documents.update(CONTEXT, "Quote", made["id"], {"net": "31"})


async def test_submitting_fixes_them(bills: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await _make(bills)
    await bills.documents.submit(CONTEXT, "Quote", made["id"])
    monkeypatch.setitem(globals(), "RATE", Decimal(2))
    more = {"lines": [*({"id": str(row["id"])} for row in made["lines"]), {"qty": "1", "rate": "5"}]}
    changed = await bills.documents.update(CONTEXT, "Quote", made["id"], more)
    assert (changed["net"], changed["count"]) == (made["net"], 3)
    assert [row["amount"] for row in changed["lines"]] == [Decimal("30.03"), Decimal("0.17"), Decimal(5)]
    done = await bills.documents.cancel(CONTEXT, "Quote", made["id"])
    assert (done["net"], done["title"]) == (made["net"], "30.20")
    draft = await _make(bills)
    assert draft["net"] == 2 * made["net"]


async def test_what_cannot_be_computed_stores_nothing(bills: Wired) -> None:
    with pytest.raises(ControllerError, match=r"Quote\.count"):
        await _make(bills, divisor=0)
    with pytest.raises(ValidationError) as refused:
        await _make(bills, lines=[{"qty": "1000000", "rate": "1"}])
    assert [(one.field, one.code) for one in refused.value.errors] == [("gross", "out_of_bounds")]
    with pytest.raises(ValidationError) as large:
        await _make(bills, lines=[{"qty": "1", "rate": "1"}, {"qty": "9" * 15, "rate": "9" * 10}])
    assert [(one.field, one.code) for one in large.value.errors] == [("lines.1.amount", "out_of_bounds")]
    assert await bills.count("Quote") == 0


async def test_a_restored_and_a_deleted_document_keep_theirs(bills: Wired) -> None:
    made = await _make(bills)
    await bills.documents.delete(CONTEXT, "Quote", made["id"])
    restored = await bills.documents.restore(CONTEXT, "Quote", made["id"])
    assert (restored["net"], restored["lines"]) == (made["net"], made["lines"])


async def test_an_unchanged_document_is_computed_anew(bills: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await _make(bills)
    assert (await bills.documents.update(CONTEXT, "Quote", made["id"], {"title": "a b"}))["_version"] == 1
    monkeypatch.setitem(globals(), "RATE", Decimal(2))
    assert (await bills.documents.update(CONTEXT, "Quote", made["id"], {"title": "a b"}))["net"] == Decimal("60.40")


def test_schemas_show_them_as_read_only() -> None:
    builder = RegistryBuilder()
    for doctype in (QuoteLine, Quote):
        builder.add_doctype(doctype, "bills")
    plan, nothing = builder.freeze().get("Quote"), Disclosure(frozenset(), frozenset())
    paths = {*plan.columns, "lines", "lines.qty", "lines.amount"}
    shown = describe_document(plan, frozenset(paths), frozenset({"title", "lines", "lines.qty"}), nothing)
    net, size, amount = (
        shown["properties"]["net"],
        shown["properties"]["size"],
        shown["properties"]["lines"]["items"]["properties"]["amount"],
    )
    assert (net["format"], net["readOnly"], net["x-framework-m-scale"]) == ("decimal", True, 2)
    assert (size["readOnly"], shown["$defs"]["Extent"]["enum"]) == (True, ["small", "large"])
    assert amount["readOnly"]
    given = describe_input(plan, frozenset({"title", "lines", "lines.qty"}), nothing, creating=True)
    assert given["properties"].keys() == {"title", "lines"}


def _memos(*, is_new: bool) -> Registry:
    class Memo(DocType):
        title: str = ""

    class CountedMemo(Memo):
        @computed
        def letters(self) -> int | None:
            return len(self.title)

    builder = RegistryBuilder()
    CountedMemo.__name__ = "Memo"
    builder.add_doctype(CountedMemo if is_new else Memo, "memos")
    return builder.freeze()


async def test_documents_from_before_the_field_get_its_value_when_they_are_written(database_url: str) -> None:
    async with wired(database_url, _memos(is_new=False)) as opened:
        made = await opened.create("Memo", title="four")
        coming = _memos(is_new=True)
        await opened.adapters.schema_mapper.expand(coming)
        opened.adapters.registry_handle.swap(coming, 1)
        assert (await opened.stored("Memo", made["id"]))["letters"] is None
        assert (await opened.documents.update(CONTEXT, "Memo", made["id"], {}))["letters"] == 4
        assert (await opened.stored("Memo", made["id"]))["letters"] == 4
