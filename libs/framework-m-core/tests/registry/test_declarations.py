"""Mistakes that Python and pydantic pass over in silence stop the start, each named with what was meant."""

from __future__ import annotations

import functools
import types
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel

from framework_m_core.controllers.controller import Controller
from framework_m_core.controllers.event_handler import on
from framework_m_core.controllers.rpc import requires_permission, whitelist
from framework_m_core.domain.events import DocCreated
from framework_m_core.domain.fields.field import Field
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

from .conftest import errors_of


class Note(FakeDocType):
    text: str = ""


def test_misspelt_keywords_of_fields_are_all_named() -> None:
    class Book(FakeDocType):
        title: str = Field(min_lenght=1, uniqe=True)  # type: ignore[call-overload]
        isbn: str = Field("", description="a pydantic keyword", frozen=False)  # type: ignore[call-overload]

    found = errors_of(Book)
    assert len(found) == 2
    assert_names(found[0], "'title'", "'min_lenght'", "'min_length'")
    assert_names(found[1], "'title'", "'uniqe'", "'unique'")


def test_fields_that_every_document_has_are_not_declared_again() -> None:
    class Book(FakeDocType):
        id: int  # type: ignore[assignment]
        owner: int = 0  # type: ignore[assignment]

    found = errors_of(Book)
    assert_names(found[0], "'id'", "framework field")
    assert_names(found[1], "'owner'", "framework field")
    assert len(found) == 2


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (str, 5), (int, "a"), (int, True), (float, "a"), (bool, 1), (Decimal, 0), (date, "2026-01-31"),
        (str, "\0"), (int, 1 << 63), (Decimal, Decimal("0.001")),
    ],
)  # fmt: skip
def test_a_default_that_could_not_be_stored_is_refused(annotation: Any, default: Any) -> None:
    keywords: dict[str, Any] = {"scale": 2} if annotation is Decimal else {}
    book = type("Book", (FakeDocType,), {"__annotations__": {"x": annotation}, "x": Field(default, **keywords)})
    [found] = errors_of(book)
    refused = ("field 'x': expected a default of type", f"field 'x': its default {default!r} cannot be stored")
    assert any(text in found for text in refused) and repr(default) in found


def test_sound_defaults_are_taken() -> None:
    class Book(FakeDocType):
        text: str = "a"
        ratio: float = 0
        price: Decimal = Field(default=Decimal("0.5"), scale=2)
        colour: Colour = Colour.RED
        tags: list[str] = []
        anything: Any = 5
        day: date | None = None

    assert errors_of(Book) == ()


def test_a_list_of_what_is_no_child_table_is_refused() -> None:
    class Row(BaseModel):
        text: str = ""

    class Book(FakeDocType):
        notes: list[Note] = []
        rows: list[Row] = []

    found = errors_of(Note, Book)
    assert_names(found[0], "list[Note]", "is_child_table = True", "Meta")
    assert_names(found[1], "list[Row]")


def test_a_child_table_has_no_documents_of_its_own() -> None:
    class Row(FakeDocType):
        class Meta:
            is_child_table = True
            permissions = {"read": ["Clerk"]}
            naming = "R-.##"
            submittable = True

    found = errors_of(Row)
    assert {option for option in ("permissions", "naming", "submittable") if any(option in one for one in found)} == {
        "permissions",
        "naming",
        "submittable",
    }


@pytest.mark.parametrize("pattern", ["A-.YYY.-.##", "A-.MMMM.##", "A-.yyyy.##", "A-.YYYYMM.##"])
def test_a_misspelt_part_of_a_date_is_refused(pattern: str) -> None:
    class Book(FakeDocType):
        class Meta:
            naming = pattern

    [found] = errors_of(Book)
    assert_names(found, "date part", "YYYY, YY, MM, DD")


def test_hooks_are_coroutines_with_their_right_names() -> None:
    class NoteController(Controller[Note]):
        def validate(self) -> None:  # type: ignore[override]
            """Not awaited."""

        async def before_isnert(self) -> None:
            """Never called."""

        async def after_saves(self) -> None:
            """Never called."""

    found = errors_of(Note, controllers=(NoteController,))
    assert len(found) == 3
    assert_names(found[0], "validate", "'async def'")
    assert_names(found[1], "before_isnert", "'before_insert'")
    assert_names(found[2], "after_saves", "'after_save'")


def _controller(members: dict[str, Any]) -> Any:
    return types.new_class("NoteController", (Controller[Note],), exec_body=lambda body: body.update(members))


def test_slips_of_the_keyboard_are_told_from_names_of_ones_own() -> None:
    async def method(self: Any) -> None:
        """A method."""

    slips = {
        "on_sumbit": "on_submit",
        "before_sve": "before_save",
        "on_cancell": "on_cancel",
        "beforesave": "before_save",
    }
    for slip, hook in slips.items():
        [found] = errors_of(Note, controllers=(_controller({slip: method}),))
        assert f"did you mean {hook!r}" in found
    own = (
        "validate_text",
        "validated",
        "validates",
        "invalidate",
        "revalidate",
        "before_resave",
        "on_submission",
        "_vlidate",
    )
    assert errors_of(Note, controllers=(_controller(dict.fromkeys(own, method)),)) == ()


def test_what_may_be_called_may_be_named_like_a_hook() -> None:
    class NoteController(Controller[Note]):
        @requires_permission("write")
        @whitelist
        async def on_submits(self) -> None:
            """Called over HTTP, so nobody takes it for a hook."""

        def total(self) -> int:
            return 1

    assert errors_of(Note, controllers=(NoteController,)) == ()


def _traced(function: Any) -> Any:
    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return function(*arguments)

    return call


def test_decorated_hooks_and_handlers_are_still_coroutines() -> None:
    class NoteController(Controller[Note]):
        @_traced
        async def validate(self) -> None:
            """Awaited through its decorator."""

    @on("Note", DocCreated)
    @_traced
    async def handles(event: Any, documents: Any) -> None:
        """Likewise."""

    assert errors_of(Note, controllers=(NoteController,), handlers=(handles,)) == ()


def test_handlers_are_coroutines_of_two_arguments() -> None:
    @on("Note", DocCreated)  # type: ignore[arg-type]
    def waits_not(event: Any, documents: Any) -> None:
        """Not awaited."""

    @on("Note", DocCreated)
    async def takes_one(event: Any) -> None:
        """Cannot be called."""

    found = errors_of(Note, handlers=(waits_not, takes_one))
    assert ["'async def'" in found[0], "(event, documents)" in found[1]] == [True, True]


def test_what_a_handler_is_for_is_a_name_and_an_event() -> None:
    async def handles(event: Any, documents: Any) -> None:
        """Sound, whatever it is declared for."""

    wrong: list[tuple[Any, Any, str]] = [
        ("Note", "submit", "an event class such as DocSubmitted, got 'submit'"),
        (Note, DocCreated, "write 'Note' instead of the class"),
        ("Noet", DocCreated, "'Noet', not a DocType: did you mean 'Note'?"),
    ]
    for doctype, event, said in wrong:
        handles.__dict__.clear()
        [found] = errors_of(Note, handlers=(on(doctype, event)(handles),))
        assert said in found
