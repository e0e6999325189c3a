"""Renaming on every store: what is named keeps its id, its links and its history, and names stay unique."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from framework_m import Controller, DocType, Field
from framework_m_core.domain.errors import (
    DuplicateNameError,
    EntityNotFoundError,
    PreconditionFailedError,
    SubmittedDocumentError,
    ValidationError,
)
from framework_m_core.registry.compilation.builder import RegistryBuilder

from .wiring import CONTEXT, Wired, wired


class Place(DocType):
    """Named by the caller."""

    class Meta:
        naming = "prompt"
        submittable = True


class Visit(DocType):
    """Links to a place, and is named by a series."""

    place: UUID = Field(link="Place")

    class Meta:
        naming = "V-.##"
        allow_rename = False


class Article(DocType):
    """Named by its title, which does not change otherwise."""

    title: str = Field(max_length=10)
    note: str = ""

    class Meta:
        naming = "field:title"


class ArticleController(Controller[Article]):
    async def validate(self) -> None:
        if self.doc.note == "shout":
            self.doc.title = self.doc.title.upper()


class Plain(DocType):
    """Named by its id."""


@pytest.fixture
async def atlas(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Place, Visit, Article, Plain):
        builder.add_doctype(doctype, "atlas")
    builder.add_controller(ArticleController)
    async with wired(database_url, builder.freeze()) as opened:
        yield opened


async def test_a_renamed_document_keeps_its_id_and_its_links(atlas: Wired) -> None:
    place = await atlas.create("Place", name="Peking")
    visit = await atlas.create("Visit", place=str(place["id"]))
    renamed = await atlas.documents.rename(CONTEXT, "Place", "Peking", " Beijing ")
    assert (renamed["id"], renamed["name"], renamed["_version"]) == (place["id"], "Beijing", 2)
    assert (await atlas.stored("Place", "Beijing"))["id"] == place["id"]
    assert (await atlas.stored("Visit", visit["id"]))["place"] == place["id"]
    with pytest.raises(EntityNotFoundError):
        await atlas.stored("Place", "Peking")
    [_, entry] = await atlas.audits("Place", place["id"])
    assert (entry.action, entry.changes) == ("write", {"name": ["Peking", "Beijing"]})
    [_, event] = await atlas.events(place["id"])
    assert event.type == "doc.updated"
    assert (await atlas.create("Place", name="Peking"))["name"] == "Peking"


async def test_a_name_is_given_once(atlas: Wired) -> None:
    await atlas.create("Place", name="Rome")
    oslo = await atlas.create("Place", name="Oslo")
    with pytest.raises(DuplicateNameError):
        await atlas.documents.rename(CONTEXT, "Place", oslo["id"], "Rome")
    assert (await atlas.stored("Place", oslo["id"]))["name"] == "Oslo"
    assert (await atlas.documents.rename(CONTEXT, "Place", oslo["id"], "Oslo"))["_version"] == 1


@pytest.mark.parametrize(
    ("name", "code"), [("", "required"), ("..", "bad_name"), ("a/b", "bad_name"), ("x" * 256, "bad_name")]
)
async def test_a_name_that_no_document_can_have_is_refused(atlas: Wired, name: str, code: str) -> None:
    await atlas.create("Place", name="Rome")
    with pytest.raises(ValidationError) as refused:
        await atlas.documents.rename(CONTEXT, "Place", "Rome", name)
    assert [(error.field, error.code) for error in refused.value.errors] == [("name", code)]


async def test_the_field_that_names_moves_with_the_name(atlas: Wired) -> None:
    made = await atlas.create("Article", title="old")
    renamed = await atlas.documents.rename(CONTEXT, "Article", made["id"], "new")
    assert (renamed["name"], renamed["title"]) == ("new", "new")
    with pytest.raises(ValidationError) as refused:
        await atlas.documents.rename(CONTEXT, "Article", made["id"], "x" * 11)
    assert [error.field for error in refused.value.errors] == ["title"]
    with pytest.raises(ValidationError) as refused:
        await atlas.documents.update(CONTEXT, "Article", made["id"], {"title": "other"})
    assert [error.code for error in refused.value.errors] == ["names_document"]


async def test_hooks_run_and_do_not_rename_by_themselves(atlas: Wired) -> None:
    made = await atlas.create("Article", title="OLD", note="shout")
    with pytest.raises(ValidationError) as refused:
        await atlas.documents.rename(CONTEXT, "Article", made["id"], "new")
    assert [error.code for error in refused.value.errors] == ["names_document"]
    assert (await atlas.documents.rename(CONTEXT, "Article", made["id"], "NEW"))["name"] == "NEW"


@pytest.mark.parametrize("doctype", ["Visit", "Plain"])
async def test_others_keep_their_names(atlas: Wired, doctype: str) -> None:
    place = await atlas.create("Place", name="Rome")
    values: dict[str, Any] = {"place": str(place["id"])} if doctype == "Visit" else {}
    made = await atlas.create(doctype, **values)
    with pytest.raises(ValidationError) as refused:
        await atlas.documents.rename(CONTEXT, doctype, made["id"], "other")
    assert [error.code for error in refused.value.errors] == ["not_renamable"]


async def test_a_submitted_or_changed_document_is_not_renamed(atlas: Wired) -> None:
    place = await atlas.create("Place", name="Rome")
    with pytest.raises(PreconditionFailedError):
        await atlas.documents.rename(CONTEXT, "Place", place["id"], "Roma", if_match=7)
    await atlas.documents.submit(CONTEXT, "Place", place["id"])
    with pytest.raises(SubmittedDocumentError):
        await atlas.documents.rename(CONTEXT, "Place", place["id"], "Roma")
