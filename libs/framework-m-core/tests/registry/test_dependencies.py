"""The framework's own ports that declarations may ask for by annotation, and those that they may not."""

from __future__ import annotations

import json  # noqa: F401 - named by an annotation
from functools import partial

import pytest

from framework_m_core.controllers.controller import Controller, Documents
from framework_m_core.controllers.event_handler import on
from framework_m_core.controllers.rpc import rpc, whitelist
from framework_m_core.domain.events import DocCreated
from framework_m_core.interfaces.cache import CacheProtocol
from framework_m_core.interfaces.event_bus import EventBusProtocol
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

from .conftest import compiled, errors_of


class Shelf(FakeDocType):
    pass


class ShelfController(Controller[Shelf]):
    cache: CacheProtocol

    @whitelist(allow_guest=True, document=False)
    async def count(self, at_least: int, kept: CacheProtocol) -> int:
        return at_least


@on("Shelf", DocCreated)
async def forget(event: DocCreated, documents: Documents, cache: CacheProtocol) -> None: ...


@rpc("shop.count", allow_guest=True)
async def count(at_least: int, cache: CacheProtocol) -> int:
    return at_least


async def tagged(tag: str, event: DocCreated, documents: Documents) -> None: ...


def test_the_cache_is_asked_for_without_declaring_a_port() -> None:
    registry = compiled(Shelf, controllers=[ShelfController], handlers=[forget], functions=[count])
    assert registry.dependencies == {
        ShelfController: {"cache": CacheProtocol},
        ShelfController.count: {"kept": CacheProtocol},
        forget: {"cache": CacheProtocol},
        count: {"cache": CacheProtocol},
    }
    calls = {"function": registry.functions["shop.count"], "method": registry.get("Shelf").calls["count"]}
    asked = {name: [*call.arguments.model_fields] for name, call in calls.items()}
    assert asked == {"function": ["at_least"], "method": ["at_least"]}


def test_the_bus_is_not_for_apps() -> None:
    class Publishing(Controller[Shelf]):
        bus: EventBusProtocol

    [found] = errors_of(Shelf, controllers=[Publishing])
    assert_names(found, "Publishing", "bus: EventBusProtocol", "port")


def test_annotations_that_are_not_there_at_run_time_are_told() -> None:
    async def lost(event: DocCreated, documents: Documents, cache: Missing) -> None: ...  # type: ignore[name-defined] # noqa: F821

    found = errors_of(Shelf, handlers=[on("Shelf", DocCreated)(lost)])
    assert_names(found[0], "lost", "annotations", "name 'Missing'")


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ("json.Decimall", "module 'json' has no attribute 'Decimall'"),
        ("Missing", "name 'Missing' is not defined"),
        ("int |", "Forward reference must be an expression"),
    ],
)
def test_annotations_that_are_wrong_name_who_has_them(annotation: str, said: str) -> None:
    class Spelling(Controller[Shelf]):
        __annotations__ = {"amount": annotation}

    async def heard(event: DocCreated, documents: Documents) -> None: ...

    async def called(amount: int) -> int:
        return amount

    heard.__annotations__["event"] = annotation
    called.__annotations__["amount"] = annotation
    found = errors_of(
        Shelf,
        controllers=[Spelling],
        handlers=[on("Shelf", DocCreated)(heard)],
        functions=[rpc("shop.called", allow_guest=True)(called)],
    )
    for holder in ("Spelling", "heard", "called"):
        assert any(holder in error and said in error for error in found), (holder, found)


def test_a_port_that_may_be_missing_is_refused_with_advice() -> None:
    class Doubtful(Controller[Shelf]):
        store: CacheProtocol | None
        spare: CacheProtocol | None = None

    found = errors_of(Shelf, controllers=[Doubtful])
    assert len(found) == 2
    for name, error in zip(("store", "spare"), found, strict=True):
        assert_names(error, "Doubtful", name, "CacheProtocol alone")

    async def doubting(event: DocCreated, documents: Documents, cache: CacheProtocol | None) -> None: ...

    async def asking(cache: CacheProtocol | None) -> None: ...

    assert errors_of(Shelf, handlers=[on("Shelf", DocCreated)(doubting)])
    assert errors_of(Shelf, functions=[rpc("shop.asking", allow_guest=True)(asking)])


def test_a_partial_asks_for_nothing() -> None:
    handler = on("Shelf", DocCreated)(partial(tagged, "a"))
    registry = compiled(Shelf, handlers=[handler])
    functions = registry.consumers["shop.handlers"].find_functions("doc.created:Shelf")
    assert (functions, registry.dependencies) == ((handler,), {})
