"""The framework's own ports that declarations may ask for by annotation, and those that they may not."""

from __future__ import annotations

from functools import partial

from framework_m_core.controllers.controller import Controller, Documents
from framework_m_core.controllers.event_handler import on
from framework_m_core.controllers.rpc import rpc, whitelist
from framework_m_core.domain.events import DocCreated
from framework_m_core.interfaces.cache import CacheProtocol
from framework_m_core.interfaces.event_bus import EventBusProtocol
from framework_m_testing.fakes.doctype import FakeDocType

from .conftest import compiled, problems_of


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
    snapshot = compiled(Shelf, controllers=[ShelfController], handlers=[forget], functions=[count])
    assert snapshot.wants == {
        ShelfController: {"cache": CacheProtocol},
        ShelfController.count: {"kept": CacheProtocol},
        forget: {"cache": CacheProtocol},
        count: {"cache": CacheProtocol},
    }
    for call in (snapshot.functions["shop.count"], snapshot.get("Shelf").calls["count"]):
        assert list(call.arguments.model_fields) == ["at_least"]


def test_the_bus_is_not_for_apps() -> None:
    class Publishing(Controller[Shelf]):
        bus: EventBusProtocol

    [found] = problems_of(Shelf, controllers=[Publishing])
    assert "bus: EventBusProtocol is no port" in found


def test_annotations_that_are_not_there_at_run_time_are_told() -> None:
    async def lost(event: DocCreated, documents: Documents, cache: Missing) -> None: ...  # type: ignore[name-defined] # noqa: F821

    found = problems_of(Shelf, handlers=[on("Shelf", DocCreated)(lost)])
    assert "its annotations cannot be read at run time: name 'Missing' is not defined" in found[0]


def test_a_partial_asks_for_nothing() -> None:
    handler = on("Shelf", DocCreated)(partial(tagged, "a"))
    snapshot = compiled(Shelf, handlers=[handler])
    assert (snapshot.handlers_of("Shelf", "created"), snapshot.wants) == ((handler,), {})
