"""Names of documents on every store: one form, found by any spelling of it, and at one with the field they are of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from framework_m import Controller, DocType, Field
from framework_m_core.domain.errors import DuplicateNameError, FieldError, ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.services.queries.parsing import ListRequest

from .wiring import CONTEXT, Wired, wired

COMPOSED, DECOMPOSED = "Caf\u00e9", "Cafe\u0301"


class Named(DocType):
    class Meta:
        naming = "prompt"


class Article(DocType):
    """Its controller folds and strips what names it."""

    title: str
    note: str = ""
    lower: bool = False

    class Meta:
        naming = "field:title"


class ArticleController(Controller[Article]):
    async def validate(self) -> None:
        if self.doc.lower:
            self.doc.title = self.doc.title.lower()


class Moving(DocType):
    """Its name follows its title."""

    title: str

    class Meta:
        naming = "field:title"
        rename_with_field = True


class Bounded(DocType):
    """Its title has bounds, which are those of the name."""

    title: str = Field(min_length=3, max_length=10)
    pad: str = ""

    class Meta:
        naming = "field:title"
        rename_with_field = True


class BoundedController(Controller[Bounded]):
    async def validate(self) -> None:
        self.doc.title += self.doc.pad


class Invoice(DocType):
    """Named by what a hook sets."""

    region: str = ""
    branch: str = ""

    class Meta:
        naming = "V-.{branch}.-.##"


class Part(DocType):
    """Named by what the caller gives."""

    maker: str = ""
    kind: int | None = None

    class Meta:
        naming = "P-.{maker}.-.{kind}.-.##"


class InvoiceController(Controller[Invoice]):
    async def before_save(self) -> None:
        self.doc.branch = self.doc.region.upper()


@pytest.fixture
async def press(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Named, Article, Moving, Bounded, Invoice, Part):
        builder.add_doctype(doctype, "press")
    for controller in (ArticleController, BoundedController, InvoiceController):
        builder.add_controller(controller)
    async with wired(database_url, builder.freeze()) as opened:
        yield opened


@pytest.mark.parametrize("spelling", [COMPOSED, DECOMPOSED, f" {COMPOSED} ", f"{DECOMPOSED}\u00a0"])
async def test_a_name_is_found_by_any_spelling(press: Wired, spelling: str) -> None:
    named = await press.create("Named", name=spelling)
    assert named["name"] == COMPOSED
    for other in (COMPOSED, DECOMPOSED, f" {DECOMPOSED}"):
        assert (await press.stored("Named", other))["id"] == named["id"], other
        for operator, value in (("eq", other), ("in", [other])):
            filters = [{"field": "name", "operator": operator, "value": value}]
            page = await press.documents.list(CONTEXT, "Named", ListRequest(filters=filters))
            assert [item["id"] for item in page.items] == [named["id"]], (other, (operator, value))
        with pytest.raises(DuplicateNameError):
            await press.create("Named", name=other)
    filters = [{"field": "name", "operator": "starts_with", "value": DECOMPOSED}]
    assert len((await press.documents.list(CONTEXT, "Named", ListRequest(filters=filters))).items) == 1


async def test_the_field_and_the_name_are_one(press: Wired) -> None:
    article = await press.create("Article", title=f" {DECOMPOSED} ")
    assert (article["title"], article["name"]) == (COMPOSED, COMPOSED)
    folded = await press.create("Article", title=" ABC ", lower=True)
    assert (folded["title"], folded["name"]) == ("abc", "abc")
    assert await press.stored("Article", folded["id"]) == folded
    with pytest.raises(DuplicateNameError):
        await press.create("Article", title="Abc", lower=True)


async def test_a_field_that_names_does_not_change(press: Wired) -> None:
    article = await press.create("Article", title=COMPOSED)
    same = await press.documents.update(CONTEXT, "Article", article["id"], {"title": f"{DECOMPOSED} ", "note": "x"})
    assert (same["title"], same["note"]) == (COMPOSED, "x")
    bodies: list[dict[str, Any]] = [{"title": "other"}, {"lower": True}]
    for body in bodies:
        with pytest.raises(ValidationError) as refused:
            await press.documents.update(CONTEXT, "Article", article["id"], body)
        assert refused.value.errors == (FieldError("title", "names_document"),)
    assert (await press.stored("Article", article["id"]))["title"] == COMPOSED


async def test_a_name_may_move_with_its_field(press: Wired) -> None:
    first, second = [await press.create("Moving", title=title) for title in ("a", "b")]
    moved = await press.documents.update(CONTEXT, "Moving", first["id"], {"title": f" {DECOMPOSED}"})
    assert (moved["title"], moved["name"]) == (COMPOSED, COMPOSED)
    assert await press.stored("Moving", COMPOSED) == moved
    assert {"name", "title"} <= (await press.audits("Moving", first["id"]))[-1].changes.keys()
    for taken in (COMPOSED, f"{DECOMPOSED} "):
        with pytest.raises(DuplicateNameError):
            await press.documents.update(CONTEXT, "Moving", second["id"], {"title": taken})
    with pytest.raises(ValidationError) as refused:
        await press.documents.update(CONTEXT, "Moving", second["id"], {"title": ".."})
    assert [error.code for error in refused.value.errors] == ["bad_name"]
    assert (await press.create("Moving", title="a"))["name"] == "a"


async def test_a_series_takes_what_hooks_have_set(press: Wired) -> None:
    names = [(await press.create("Invoice", region=region))["name"] for region in ("n", "N", "s")]
    assert names == ["V-N-01", "V-N-02", "V-S-01"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [({}, ["maker", "kind"]), ({"maker": "a"}, ["kind"]), ({"maker": " \u00a0", "kind": 0}, ["maker"])],
)
async def test_a_part_of_a_name_is_not_empty(press: Wired, body: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        await press.create("Part", **body)
    assert [(error.field, error.code) for error in refused.value.errors] == [(field, "required") for field in fields]
    assert (await press.create("Part", maker=" a ", kind=0))["name"] == "P-a-0-01"


async def test_a_part_of_a_name_that_hooks_leave_empty_is_refused(press: Wired) -> None:
    with pytest.raises(ValidationError) as refused:
        await press.create("Invoice", region="  ")
    assert [(error.field, error.code) for error in refused.value.errors] == [("branch", "required")]
    assert await press.count("Invoice") == 0


@pytest.mark.parametrize("title", ["z  ", "\u0958" * 10])
async def test_the_bounds_of_a_naming_field_are_those_of_the_name(press: Wired, title: str) -> None:
    made = await press.create("Bounded", title="first")
    update = partial(press.documents.update, CONTEXT, "Bounded", made["id"])
    for place, write in {
        "create": press.create("Bounded", title=title),
        "update": update({"title": title}),
        "hook": update({"pad": f" {title}" * 4}),
    }.items():
        with pytest.raises(ValidationError) as refused:
            await write
        assert [error.field for error in refused.value.errors] == ["title"], place


async def test_blanks_around_a_naming_field_do_not_count(press: Wired) -> None:
    made = await press.create("Bounded", title=f"abcdefghij{' ' * 9}")
    assert (made["title"], made["name"]) == ("abcdefghij", "abcdefghij")
    moved = await press.documents.update(CONTEXT, "Bounded", made["id"], {"title": f"   klm{' ' * 9}"})
    assert (moved["title"], moved["name"]) == ("klm", "klm")
    padded = await press.documents.update(CONTEXT, "Bounded", made["id"], {"pad": " " * 9})
    assert padded["title"] == "klm"


@pytest.mark.parametrize("doctype", ["Named", "Article", "Moving"])
async def test_a_document_from_before_names_had_one_form_can_be_changed_and_renamed(press: Wired, doctype: str) -> None:
    """Its name stays until it is renamed, which is what a patch does."""
    old = f"{DECOMPOSED} "
    named = {"name": old} if doctype == "Named" else {"name": old, "title": old}
    made = await press.adapters.store(doctype, **named)
    body = {"note": "new"} if doctype == "Article" else {}
    changed = await press.documents.update(CONTEXT, doctype, made.id, body)
    assert changed["name"] == old
    renamed = await press.documents.rename(CONTEXT, doctype, made.id, old)
    assert renamed["name"] == renamed.get("title", COMPOSED) == COMPOSED
    assert (await press.stored(doctype, old))["id"] == made.id
