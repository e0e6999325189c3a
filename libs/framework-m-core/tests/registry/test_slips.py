"""What somebody used to another framework, or tired, writes: it would be looked at by nobody, so it stops the start."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from framework_m_core.bootstrap.plugins.discovery import Choice, load, modules_of
from framework_m_core.controllers.controller import Controller
from framework_m_core.controllers.event_handler import on
from framework_m_core.controllers.rpc import requires_permission, rpc
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.events import DocCreated
from framework_m_core.domain.fields.field import Field
from framework_m_testing.fakes.doctype import FakeDocType

from .conftest import problems_of


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
        ("before_submit", "on_submit"),
        ("autoname", "Meta.naming"),
    ],
)
def test_hooks_of_another_framework_are_named_with_ours(frappes: str, ours: str) -> None:
    def hook(self: Any) -> None:
        """Never called."""

    [found] = problems_of(Note, controllers=[_controller(**{frappes: hook})])
    assert f"{frappes} is not a hook and would never be called: use {ours}" in found
    assert problems_of(Note, controllers=[_controller(**{frappes: "a text"})]) == ()


def test_a_hook_takes_nothing_but_self() -> None:
    async def validate(self: Any, doc: Any) -> None:
        """Could not be called."""

    async def before_save(self: Any, *others: Any, quick: bool = False) -> None:
        """Can be called without."""

    [found] = problems_of(Note, controllers=[_controller(validate=validate, before_save=before_save)])
    assert "validate is a hook: expected no parameters but self, since the document is self.doc" in found


def test_a_controller_names_a_class() -> None:
    [found] = problems_of(
        Note, controllers=[types.new_class("Own", (Controller,), {}, lambda body: body.update(doctype="Note"))]
    )
    assert "expected the DocType as type argument: class XController(Controller[X])" in found


def test_a_handler_that_could_do_without_the_documents_takes_something_else_for_them() -> None:
    async def told(doc: Any, method: Any = None) -> None:
        """As another framework calls it."""

    [found] = problems_of(Note, handlers=[on("Note", DocCreated)(told)])
    assert "expected an event handler with the parameters (event, documents)" in found


def test_a_bare_rpc_is_one_without_a_path() -> None:
    @rpc
    async def count(least: int) -> int:
        return least

    [found] = problems_of(Note, functions=[count])
    assert "does not declare who may call it" in found
    assert problems_of(Note, functions=[requires_permission("read", "Note")(rpc(_sound))]) == ()


async def _sound(least: int) -> int:
    return least


def test_a_meta_in_other_letters_is_told() -> None:
    class Book(FakeDocType):
        class meta:
            naming = "prompt"

    [found] = problems_of(Book)
    assert "class meta is ignored: name it Meta" in found


def test_a_field_that_would_not_be_stored_is_told() -> None:
    class Book(FakeDocType):
        _pages: int = 5

    [found] = problems_of(Book)
    assert "field '_pages' is not stored, because its name starts with an underscore" in found


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

    [found] = problems_of(Book)
    assert f"field 'title': {keyword}={value!r}: expected {expected}" in found


def test_rows_of_a_class_that_is_not_there_are_no_json() -> None:
    book = type("Book", (FakeDocType,), {"__annotations__": {"rows": list["Nowhere"]}, "rows": []})  # type: ignore[name-defined] # noqa: F821
    [found] = problems_of(book)
    assert "expected a known class: write the annotation without quotes, below the class" in found


def test_a_keyword_that_is_like_none_is_told_with_those_that_there_are() -> None:
    class Book(FakeDocType):
        title: str = Field(requird=True)  # type: ignore[call-overload]

    [found] = problems_of(Book)
    assert "no keyword 'requird': expected one of link, fetch_from," in found


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
