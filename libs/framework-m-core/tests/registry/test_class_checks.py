"""What somebody used to another framework, or tired, writes: it would be looked at by nobody, so it stops the start."""

from __future__ import annotations

import sys
import types
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pytest

from framework_m_core.bootstrap.plugins.discovery import Choice, load, modules_of
from framework_m_core.controllers.controller import Controller
from framework_m_core.controllers.event_handler import on
from framework_m_core.controllers.rpc import requires_permission, rpc
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.events import DocCreated
from framework_m_core.domain.fields.field import Field
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

from .conftest import errors_of


class Note(FakeDocType):
    text: str = ""


def _controller(**members: Any) -> Any:
    return types.new_class("NoteController", (Controller[Note],), exec_body=lambda body: body.update(members))


@pytest.mark.parametrize(
    ("frappes", "ours"),
    [
        ("on_update", "after_save"),
        ("on_trash", "before_delete"),
        ("before_validate", "validate"),
        ("on_change", "after_save"),
        ("autoname", "Meta.naming"),
    ],
)
def test_hooks_of_another_framework_are_named_with_ours(frappes: str, ours: str) -> None:
    def hook(self: Any) -> None:
        """Never called."""

    [found] = errors_of(Note, controllers=[_controller(**{frappes: hook})])
    assert_names(found, "NoteController", frappes, ours)
    assert errors_of(Note, controllers=[_controller(**{frappes: "a text"})]) == ()


def test_a_hook_takes_nothing_but_self() -> None:
    async def validate(self: Any, doc: Any) -> None:
        """Could not be called."""

    async def before_save(self: Any, *others: Any, quick: bool = False) -> None:
        """Can be called without."""

    [found] = errors_of(Note, controllers=[_controller(validate=validate, before_save=before_save)])
    assert_names(found, "NoteController", "validate", "self.doc")


def test_a_controller_names_a_class() -> None:
    [found] = errors_of(
        Note, controllers=[types.new_class("Own", (Controller,), {}, lambda body: body.update(doctype="Note"))]
    )
    assert_names(found, "Own", "class XController(Controller[X]")


def test_a_handler_that_could_do_without_the_documents_takes_something_else_for_them() -> None:
    async def told(doc: Any, method: Any = None) -> None:
        """As another framework calls it."""

    [found] = errors_of(Note, handlers=[on("Note", DocCreated)(told)])
    assert_names(found, "told", "event", "documents")


async def _handles_a_payload(event: Note, documents: Any) -> None:
    """Would meet an event that has no such attributes."""


async def _handles_an_event(event: DocCreated, documents: Any) -> None:
    """As it should be."""


def test_a_handler_takes_an_event_and_not_its_payload() -> None:
    [found] = errors_of(Note, handlers=[on("Note", DocCreated)(_handles_a_payload)])
    assert "write PublishedEvent[Note]" in found
    assert errors_of(Note, handlers=[on("Note", DocCreated)(_handles_an_event)]) == ()


def test_a_bare_rpc_is_one_without_a_path() -> None:
    @rpc
    async def count(minimum: int) -> int:
        return minimum

    [found] = errors_of(Note, functions=[count])
    assert_names(found, "count", "requires_permission", "allow_guest")
    assert errors_of(Note, functions=[requires_permission("read", "Note")(rpc(_sound))]) == ()


async def _sound(minimum: int) -> int:
    return minimum


def test_a_meta_in_other_letters_is_told() -> None:
    class Book(FakeDocType):
        class meta:
            naming = "prompt"

    [found] = errors_of(Book)
    assert_names(found, "Book", "class meta", "Meta")


def test_a_field_that_would_not_be_stored_is_told() -> None:
    class Book(FakeDocType):
        _pages: int = 5

    [found] = errors_of(Book)
    assert_names(found, "Book", "'_pages'", "underscore")


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        ("unique", "yes", "True or False"),
        ("in_list", 1, "True or False"),
        ("permlevel", "1", "a whole number"),
        ("scale", True, "a whole number"),
        ("link", Note, "text"),
    ],
)
def test_keywords_of_another_type_are_told(keyword: str, value: Any, expected: str) -> None:
    class Book(FakeDocType):
        title: Any = Field(default=None, **{keyword: value})

    [found] = errors_of(Book)
    assert f"field 'title': {keyword}={value!r}: expected {expected}" in found


def test_rows_of_a_class_that_is_not_there_are_no_json() -> None:
    book = type("Book", (FakeDocType,), {"__annotations__": {"rows": list["Nowhere"]}, "rows": []})  # type: ignore[name-defined] # noqa: F821
    [found] = errors_of(book)
    assert_names(found, "Book", "'rows'", "without quotes")


def test_a_keyword_that_is_like_none_is_told_with_those_that_there_are() -> None:
    class Book(FakeDocType):
        title: str = Field(requird=True)  # type: ignore[call-overload]

    [found] = errors_of(Book)
    assert_names(found, "'title'", "'requird'", "link, on_cancel")


def test_an_import_that_fails_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "slipshop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "deep.py").write_text("import nopenope\n")
    (package / "user.py").write_text('"""Uses it."""\n\nfrom slipshop import deep\n')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        list(modules_of(__import__("slipshop")))
    assert str(refused.value).endswith(f"No module named 'nopenope' ({package / 'deep.py'}, line 1)")
    with pytest.raises(ConfigurationError) as missing:
        load(Choice("x", "slipshop.nowhere", "shop"))
    assert str(missing.value).endswith("which could not be loaded: No module named 'slipshop.nowhere'")
    for name in [name for name in sys.modules if name.startswith("slipshop")]:
        del sys.modules[name]


class Shade(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (Literal["a", "b"], "c"),
        (Literal["a", "b"] | None, "c"),
        (Shade, "blue"),
        (Shade, "red"),
        (list[Literal["x"]], ["y"]),
        (dict[str, int], {"a": "b"}),
        (list[int], "abc"),
        (list[int], [1, "two"]),
    ],
)
def test_a_default_that_its_field_would_refuse_stops_the_start(annotation: Any, default: Any) -> None:
    class Subject(FakeDocType):
        field: annotation = default

    [found] = errors_of(Subject)
    assert "field 'field'" in found
    assert repr(default) in found


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (Literal["a", "b"], "a"), (Shade, Shade.RED), (Shade | None, None), (list[Literal["x"]], ["x"]),
        (dict[str, int], {"a": 1}), (list[int], []), (dict[str, Any], {"a": [1]}), (Any, 1), (list[str] | None, None),
    ],
)  # fmt: skip
def test_a_valid_default_is_taken(annotation: Any, default: Any) -> None:
    class Subject(FakeDocType):
        field: annotation = default

    assert errors_of(Subject) == ()


@pytest.mark.parametrize(("hook", "place"), [("validate", "move it to"), ("on_update", "as after_save")])
def test_a_hook_of_the_document_class_is_told_where_it_belongs(hook: str, place: str) -> None:
    async def never_called(self: Any) -> None:
        """A rule."""

    made = types.new_class("Order", (FakeDocType,), exec_body=lambda body: body.update({hook: never_called}))
    [found] = errors_of(made)
    assert_names(found, "Order", hook, "OrderController(Controller[Order]")
    assert place in found


def test_a_hook_of_submitting_needs_what_can_be_submitted() -> None:
    async def on_submit(self: Any) -> None:
        """A rule."""

    [found] = errors_of(Note, controllers=[_controller(on_submit=on_submit)])
    assert_names(found, "Note", "on_submit", "Meta.submittable = True")


def test_a_document_as_a_type_is_told_to_be_a_link() -> None:
    class Subject(FakeDocType):
        note: Note

    [found] = errors_of(Note, Subject)
    assert "Field(link='Note')" in found
