"""Callable methods and functions: what may be called by whom, and what their arguments must be."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from framework_m_core.controllers.controller import Controller, Documents
from framework_m_core.controllers.rpc import requires_permission, rpc, whitelist
from framework_m_core.domain.context import RequestContext
from framework_m_core.registry.endpoints import Endpoint
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

from .conftest import compiled, errors_of


class Note(FakeDocType):
    text: str = ""


def _call(function: Any) -> Endpoint:
    [call] = compiled(Note, functions=[function]).functions.values()
    return call


def _method_problems(method: Any, name: str = "act") -> tuple[str, ...]:
    class NoteController(Controller[Note]):
        """The controller of one method."""

    setattr(NoteController, name, method)
    return errors_of(Note, controllers=[NoteController])


def test_parameters_are_arguments_but_for_those_that_the_framework_fills_in() -> None:
    @rpc()
    @requires_permission("read", "Note")
    async def find(documents: Documents, who: RequestContext, id: UUID, maximum: int = 5) -> list[str]:
        """Finds notes.

        All of them.
        """
        return []

    call = _call(find)
    assert call.filled == {"documents": Documents, "who": RequestContext}
    assert call.arguments.model_validate({"id": str(UUID(int=5))}).model_dump() == {"id": UUID(int=5), "maximum": 5}
    assert (call.action, call.doctype, call.returns) == ("read", "Note", list[str])
    assert call.about == "Finds notes.\n\nAll of them."


@pytest.mark.parametrize("body", [{}, {"text": 5}, {"text": "a", "more": 1}, {"text": "a", "documents": None}])
def test_arguments_are_checked_and_no_others_taken(body: dict[str, Any]) -> None:
    @rpc(allow_guest=True)
    async def say(text: str, documents: Documents) -> None: ...

    with pytest.raises(ValidationError):
        _call(say).arguments.model_validate(body)


def test_what_guests_may_call_needs_no_action() -> None:
    @rpc(allow_guest=True)
    async def open_to_all() -> None: ...

    assert _call(open_to_all).action is None


def test_a_function_without_a_path_has_its_module_and_name() -> None:
    @rpc(allow_guest=True)
    async def local() -> None: ...

    local.__qualname__ = "local"
    assert list(compiled(functions=[local]).functions) == [f"{__name__}.local"]


def test_a_method_does_not_name_its_document_or_itself() -> None:
    class NoteController(Controller[Note]):
        @whitelist
        @requires_permission("write")
        async def append(self, text: str) -> None: ...

    [call] = compiled(Note, controllers=[NoteController]).get("Note").calls.values()
    assert list(call.arguments.model_fields) == ["text"]
    assert (call.action, call.doctype) == ("write", "Note")


async def _bare() -> None: ...
async def _args(*numbers: int) -> None: ...
async def _keywords(**numbers: int) -> None: ...
async def _positional(number: int, /) -> None: ...
async def _untyped(number) -> None: ...  # type: ignore[no-untyped-def]
async def _unknown(number: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
async def _unfit(number: Callable[[], "Nowhere"]) -> None: ...  # type: ignore[name-defined]  # noqa: F821, UP037
async def _private(_number: int) -> None: ...
async def _reserved(model_dump: int) -> None: ...
async def _document() -> Note: ...  # type: ignore[empty-body]
async def _documents_within() -> dict[str, list[Holder] | None]: ...  # type: ignore[empty-body]
def _sync() -> None: ...


class Holder(BaseModel):
    notes: list[Note] = []
    holders: list["Holder"] = []  # noqa: UP037


def _fresh(function: Any) -> Any:
    """A function of its own, so that marks do not add up."""
    return FunctionType(function.__code__, function.__globals__, function.__name__) if function is _bare else function


@pytest.mark.parametrize(
    ("decorate", "function", "expected"),
    [
        (rpc("a.b", allow_guest=True), _sync, "_sync can be called over HTTP: declare it with 'async def'"),
        (rpc("a.b", allow_guest=True), _args, "its parameter 'numbers' needs a name and a type"),
        (rpc("a.b", allow_guest=True), _keywords, "its parameter 'numbers' needs a name and a type"),
        (rpc("a.b", allow_guest=True), _positional, "its parameter 'number' needs a name and a type"),
        (rpc("a.b", allow_guest=True), _untyped, "its parameter 'number' needs a name and a type"),
        (rpc("a.b", allow_guest=True), _unknown, "its arguments cannot be validated: name 'Nowhere' is not defined"),
        (rpc("a.b", allow_guest=True), _unfit, "its arguments cannot be validated: name 'Nowhere' is not defined"),
        (rpc("a.b", allow_guest=True), _private, "its parameter '_number' cannot be sent in a body"),
        (rpc("a.b", allow_guest=True), _reserved, "its parameter 'model_dump' cannot be sent in a body"),
        (rpc("a.b", allow_guest=True), _document, "returns Note, which would expose every field"),
        (rpc("a.b", allow_guest=True), _documents_within, "returns Note, which would expose every field"),
        (rpc("a.b"), _bare, "who may call it: add @requires_permission('write') or allow_guest=True"),
        (rpc(5, allow_guest=True), _bare, "expected a dotted path such as 'shop.stock.recount', got 5"),  # type: ignore[call-overload]
        (rpc("nodots", allow_guest=True), _bare, "expected a dotted path such as 'shop.stock.recount', got 'nodots'"),
        (rpc("a/b.c", allow_guest=True), _bare, "expected a dotted path such as 'shop.stock.recount', got 'a/b.c'"),
        (requires_permission("read", "Note"), _bare, "requires_permission has no effect alone: add @whitelist"),
    ],
)  # fmt: skip
def test_functions_that_cannot_be_called(decorate: Any, function: Any, expected: str) -> None:
    [found] = errors_of(Note, functions=[decorate(_fresh(function))])
    assert expected in found


@pytest.mark.parametrize(
    ("action", "doctype", "allow_guest", "expected"),
    [
        ("read", "Note", True, "requires a permission and allows guests: remove one of them"),
        ("raed", "Note", False, "requires 'raed', which is not an action: expected one of read, "),
        ("read", None, False, "a function must name the DocType: @requires_permission('read', 'Invoice')"),
    ],
)
def test_who_may_call_a_function_is_said_in_one_way(
    action: str, doctype: str | None, allow_guest: bool, expected: str
) -> None:
    @rpc("a.b", allow_guest=allow_guest)
    @requires_permission(action, doctype)
    async def call() -> None: ...

    [found] = errors_of(Note, functions=[call])
    assert expected in found


@pytest.mark.parametrize("name", ["validate", "_hidden"])
def test_hooks_and_private_methods_cannot_be_called(name: str) -> None:
    async def method(self: Any) -> None: ...

    method.__name__ = name
    [found] = _method_problems(whitelist(allow_guest=True)(method), name)
    assert_names(found, name, "hook or private")


def test_a_method_gets_its_document_by_itself() -> None:
    @whitelist(allow_guest=True)
    async def act(self: Any, doc_id: UUID) -> None: ...

    [found] = _method_problems(act)
    assert_names(found, "act", "'doc_id'", "self.doc")


def test_all_that_is_wrong_with_a_call_is_told() -> None:
    @rpc("nodots")
    def call(number) -> None: ...  # type: ignore[no-untyped-def]

    assert len(errors_of(functions=[call])) == 4


def test_arguments_that_hash_what_callers_send_are_refused() -> None:
    @whitelist()
    @requires_permission("write")
    async def act(self: Any, ids: set[UUID], words: set[str]) -> None: ...

    [error] = _method_problems(act)
    assert_names(error, "act", "parameter 'ids'", "set", "list")
