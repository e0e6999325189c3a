"""What an app declares registers itself, the framework's own decorators like those of packages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from framework_m_core.bootstrap.plugins.app_modules import register_app
from framework_m_core.bootstrap.plugins.discovery import Choice
from framework_m_core.controllers.controller import Controller
from framework_m_core.controllers.declaration import Registrar, declaration_of, declarations_of, declare
from framework_m_core.controllers.event_handler import HandlerMark, on
from framework_m_core.controllers.rpc import CallMark, requires_permission, rpc, whitelist
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.events import DocCreated, DocDeleted
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

SEEN: list[tuple[str, str]] = []


@dataclass(frozen=True)
class Nightly:
    """The declaration of a package's own decorator."""

    at: int

    def register(self, registrar: Registrar, declared: Any, app: str) -> None:
        SEEN.append((app, f"{declared.__name__} at {self.at}"))


def nightly(at: int) -> Callable[[Any], Any]:
    """Have a function run at an hour."""
    return lambda declared: declare(declared, Nightly(at))


class Journal:
    """A registrar that notes what it is given."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, str]] = []

    def __getattr__(self, method: str) -> Callable[..., None]:
        return lambda declared, *app: self.noted.append((method, declared.__name__))


def _registered(declared: Any) -> list[tuple[str, str]]:
    journal = Journal()
    registrar: Any = journal
    for declaration in declarations_of(declared):
        declaration.register(registrar, declared, "shop")
    return journal.noted


def test_each_kind_registers_itself() -> None:
    class Note(FakeDocType):
        pass

    class NoteController(Controller[Note]):
        pass

    @on("Note", DocCreated)
    @on("Note", DocDeleted)
    async def told() -> None: ...

    @rpc("shop.price")
    @requires_permission("read", "Note")
    async def price() -> int:
        return 1

    assert _registered(NoteController) == [("add_controller", "NoteController")]
    assert _registered(told) == [("add_handler", "told")] * 2
    assert declarations_of(told, HandlerMark) == (HandlerMark("Note", DocDeleted), HandlerMark("Note", DocCreated))
    assert _registered(price) == [("add_function", "price")]


def test_decorators_of_calls_share_one_declaration() -> None:
    @requires_permission("write", "Note")
    @whitelist(document=False)
    async def rate() -> None: ...

    (declared,) = declarations_of(rate)
    assert declared == CallMark(kind="method", document=False, action="write", doctype="Note")
    assert declaration_of(rate, CallMark) is declared
    assert declaration_of(rate, HandlerMark) is None


def test_a_class_does_not_inherit_the_declarations_of_its_parents() -> None:
    @nightly(3)
    class Parent: ...

    class Child(Parent): ...

    assert len(declarations_of(Parent)) == 1
    assert declarations_of(Child) == ()


APP = """
from {tests} import nightly


@nightly(3)
@nightly(3)
@nightly(5)
def tidy() -> None: ...


@nightly(4)
class _Private: ...
"""


def test_a_declaration_of_a_package_takes_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"declaring_{uuid4().hex[:8]}"
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, f"{name}_notes", sys.modules[__name__])
    (tmp_path / f"{name}.py").write_text(APP.format(tests=f"{name}_notes"))
    SEEN.clear()
    journal: Any = Journal()
    register_app(journal, Choice(name, name, "shop"))
    assert sorted(SEEN) == [(name, "tidy at 3"), (name, "tidy at 5")]


TWICE = """
from framework_m_core.controllers.controller import Controller
from framework_m_core.controllers.event_handler import on
from framework_m_core.domain.events import DocCreated
from framework_m_testing.fakes.doctype import FakeDocType


def helper(): ...


def helper(): ...


class Note(FakeDocType):
    text: str


class NoteController(Controller[Note]):
    async def validate(self): ...

    @property
    def size(self): ...

    @size.setter
    def size(self, value): ...

    async def validate(self): ...


@on("Note", DocCreated)
async def told(event, documents): ...


class Note(FakeDocType):
    number: int


@on("Note", DocCreated)
async def told(event, documents): ...


class Other(FakeDocType):
    title: str
    title: int

    class Meta: ...

    class Meta: ...


if told:
    @on("Note", DocCreated)
    async def asked(event, documents): ...
else:
    @on("Note", DocCreated)
    async def asked(event, documents): ...
"""


def test_what_a_module_declares_twice_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python keeps the last of two classes of one name, and says nothing."""
    name = f"twice_{uuid4().hex[:8]}"
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"{name}.py").write_text(TWICE)
    journal: Any = Journal()
    with pytest.raises(ConfigurationError) as refused:
        register_app(journal, Choice(name, name, "shop"))
    assert [problem.split("'")[1] for problem in refused.value.errors] == ["Note", "told", "validate", "title", "Meta"]
    assert_names(refused.value.errors, "'Note'", "14, 34")
