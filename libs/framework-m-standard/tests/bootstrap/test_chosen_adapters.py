"""An app that is not installed uses the cache, and has a cache and a bus of its own that config or a variant choose."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.bootstrap.migrations import open_migrations
from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.context import GUEST, Principal, RequestContext
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.events.turn import LEASE
from framework_m_standard.memory.cache import MemoryCache
from framework_m_testing.deliveries import drain_all
from tests.errors import assert_names

SERVING = ("web",)
APP = """
from collections.abc import AsyncGenerator

from framework_m import CacheProtocol, Controller, DocCreated, DocType, DocUpdated, Documents, FieldError
from framework_m import ValidationError, on, rpc
from framework_m_core.interfaces.event_bus import Delivery
from framework_m_standard.memory.cache import MemoryCache
from framework_m_standard.memory.event_bus import MemoryEventBus

TOLD = []


class Price(DocType):
    amount: int = 0

    class Meta:
        naming = "prompt"
        permissions = {action: {"Guest": "all"} for action in ("create", "read", "write")}


class PriceController(Controller[Price]):
    cache: CacheProtocol

    async def validate(self) -> None:
        if self.doc.amount > (await self.cache.get("most") or 100):
            raise ValidationError("too dear", [FieldError("amount", "too_dear", "less is expected")])


@rpc("shop.price", allow_guest=True)
async def price(name: str, documents: Documents, cache: CacheProtocol) -> int:
    kept = await cache.get(f"price:{name}")
    if kept is None:
        kept = await documents.get("Price", name)
        await cache.set(f"price:{name}", kept, ttl=60)
    return kept["amount"]


@on("Price", DocCreated)
@on("Price", DocUpdated)
async def forget(event: DocUpdated, documents: Documents, cache: CacheProtocol) -> None:
    await cache.delete(f"price:{event.data['name']}")


class Line:
    def __init__(self) -> None:
        self.is_open = True
        self.is_well = True


class OpenLine:
    order = 15

    async def run(self, app) -> None:
        self.line = Line()
        app.container.provide("line", self.line)

    async def ping(self) -> None:
        if not self.line.is_well:
            raise OSError("the line is dead")

    async def close(self) -> None:
        self.line.is_open = False
        TOLD.append("closed")


class OwnBus(MemoryEventBus):
    has_subscribers = True

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line
        self.seen = []
        self.subscribers = {}
        self.refuses = False

    async def publish(self, events) -> AsyncGenerator[Delivery, None]:
        for event in events:
            self.seen.append(f"{event.doctype}.{event.type}.{event.version}")
            if self.refuses:
                yield Delivery(event.id, OSError("the line is busy"))
                continue
            for subscriber in self.subscribers.values():
                await subscriber(event)
            yield Delivery(event.id)

    async def subscribe(self, group, subscriber) -> None:
        self.subscribers[group] = subscriber

    async def unsubscribe(self, group) -> None:
        TOLD.append(f"{group} unsubscribed, line {'open' if self.line.is_open else 'closed'}")
        del self.subscribers[group]


class OwnCache(MemoryCache):
    pass


class ShortCache(MemoryCache):
    async def set(self, key, value) -> None:
        pass


class HalfCache:
    async def get(self, key):
        return None


class HalfBus:
    async def subscribe(self, group, subscriber) -> None:
        pass


VARIANT = {"adapters": {"cache": "own"}, "priority": 1}
"""
GROUPS = {
    "apps": {"shop": "{app}"},
    "adapters.event_bus": {"own": "{app}:OwnBus", "half": "{app}:HalfBus"},
    "bootstrap.event_bus.own": {"open_line": "{app}:OpenLine"},
    "adapters.cache": {"own": "{app}:OwnCache", "half": "{app}:HalfCache"},
}
SOMEBODY = RequestContext(Principal("somebody", frozenset({GUEST})))

type Groups = dict[str, dict[str, str]]
type MakeApp = Callable[[Groups], Path]


@pytest.fixture
def make_app(tmp_path: Path) -> MakeApp:
    """Writes the app under a name of its own, with the entry points given."""
    name = f"choosing_{uuid4().hex[:8]}"

    def make(groups: Groups) -> Path:
        lines = ["[project]", f'name = "{name}"']
        for group, points in groups.items():
            lines.append(f'[project.entry-points."framework_m.{group}"]')
            lines += [f'{key} = "{value.format(app=name)}"' for key, value in points.items()]
        (tmp_path / "pyproject.toml").write_text("\n".join(lines))
        (tmp_path / f"{name}.py").write_text(APP)
        return tmp_path

    return make


def _environment(folder: Path, store: str = "memory", **adapters: str) -> dict[str, str]:
    chosen = {f"M_ADAPTERS__{port.upper()}": choice for port, choice in adapters.items()}
    return {"M_ADAPTERS__STORE": store, "DATABASE_URL": f"sqlite:///{folder / 'app.db'}", **chosen}


async def _price(app: Application, name: str, context: RequestContext = SOMEBODY) -> Any:
    ready = await app.container.get("rpc").find_function(context, "shop.price")
    return await ready({"name": name}, lambda amount: amount)


@pytest.mark.parametrize("store", ["default", "memory"])
async def test_controllers_functions_and_handlers_share_the_cache(make_app: MakeApp, store: str) -> None:
    """What an `@on` handler deletes is read anew: after the commit, never of what is rolled back."""
    folder = make_app(GROUPS)
    async with open_application(folder, roles=SERVING, environment=_environment(folder, store)) as app:
        cache, delivery = app.container.get("cache"), app.container.get("event_delivery")
        assert type(cache) is MemoryCache
        made = await app.documents.create(SOMEBODY, "Price", {"name": "tea", "amount": 3})
        await drain_all(delivery)
        assert await _price(app, "tea") == 3
        assert await cache.get("price:tea") == await app.documents.get(SOMEBODY, "Price", made["id"])
        await app.documents.update(SOMEBODY, "Price", made["id"], {"amount": 5})
        assert await _price(app, "tea") == 3
        await drain_all(delivery)
        assert await _price(app, "tea") == 5
        await cache.set("most", 4)
        with pytest.raises(Exception, match="too dear"):
            await app.documents.update(SOMEBODY, "Price", made["id"], {"amount": 9})


async def test_controllers_functions_and_handlers_have_the_keys_of_their_tenant(make_app: MakeApp) -> None:
    """What none of them has prefixed is kept apart all the same; the app's own cache is global."""
    folder, (north, south) = make_app(GROUPS), (replace(SOMEBODY, tenant=name) for name in ("north", "south"))
    async with open_application(folder, roles=SERVING, environment=_environment(folder, "memory")) as app:
        cache, delivery = app.container.get("cache"), app.container.get("event_delivery")
        made = await app.documents.create(north, "Price", {"name": "tea", "amount": 3})
        await drain_all(delivery)
        assert [await _price(app, "tea", context) for context in (north, south)] == [3, 3]
        await cache.set_many({"price:tea": "global", "most": 4})
        await app.documents.update(north, "Price", made["id"], {"amount": 50})
        await drain_all(delivery)
        assert [await _price(app, "tea", context) for context in (north, south)] == [50, 3]
        assert await cache.get("price:tea") == "global"


@pytest.mark.parametrize("store", ["default", "memory"])
async def test_a_bus_of_the_apps_own_sees_all_events_beside_the_handlers(make_app: MakeApp, store: str) -> None:
    """Chosen by config; what its step opens is there before it, is asked whether it is well, and closes after it."""
    folder = make_app(GROUPS)
    environment = _environment(folder, store, event_bus="own")
    async with open_application(folder, roles=SERVING, environment=environment) as app:
        bus, cache = app.container.get("event_bus"), app.container.get("cache")
        assert [(step.name, step.prepares) for step in app.steps if step.order == 15] == [
            ("open_line", "event_bus.own")
        ]
        await cache.set("price:tea", 1)
        await app.documents.create(SOMEBODY, "Price", {"name": "tea", "amount": 3})
        await drain_all(app.container.get("relay"))
        seen = [one for one in bus.seen if one.startswith("Price.")]
        assert (seen, await cache.exists("price:tea")) == (["Price.doc.created.1"], True)
        await drain_all(app.container.get("event_delivery"))
        assert not await cache.exists("price:tea")
        await app.ping()
        bus.line.is_well = False
        with pytest.raises(OSError, match="the line is dead"):
            await app.ping()
        told = sys.modules[app.settings.local_apps[0].value].TOLD
    assert told == ["closed"]


async def test_what_a_bus_of_the_apps_own_refuses_comes_again(make_app: MakeApp) -> None:
    folder = make_app(GROUPS)
    environment = _environment(folder, event_bus="own")
    async with open_application(folder, roles=SERVING, environment=environment) as app:
        bus, consumers = app.container.get("event_bus"), app.container.get("consumers")
        await drain_all(app.container.get("relay"))
        bus.refuses = True
        await app.documents.create(SOMEBODY, "Price", {"name": "tea"})
        await drain_all(app.container.get("relay"))
        later = system_clock().replace(year=2999)
        due = await consumers.read_due("bus", later, 9)
        assert [(row.event.topic, row.attempts) for row in due] == [("doc.created:Price", 1)]


async def test_a_process_that_does_not_serve_takes_no_event(make_app: MakeApp) -> None:
    """`m console` and tests up to the store run no consumer, so what they cause waits for a process that does."""
    folder = make_app(GROUPS)
    async with open_application(folder, environment=_environment(folder)) as app:
        await app.documents.create(SOMEBODY, "Price", {"name": "tea"})
        assert not await drain_all(app.container.get("relay"))
        assert app.container.get("event_bus").has_subscribers is False
        (state,) = await app.container.get("consumers").read_states(system_clock(), LEASE)
        assert (state.name, state.waits_since is not None) == ("shop.handlers", True)


async def test_a_variant_chooses_and_config_outranks_it(make_app: MakeApp) -> None:
    folder = make_app({**GROUPS, "variants": {"acme": "{app}:VARIANT"}})
    async with open_application(folder, environment=_environment(folder)) as app:
        assert type(app.container.get("cache")).__name__ == "OwnCache"
        assert app.ports == ()
    async with open_application(folder, environment=_environment(folder, cache="default")) as app:
        assert type(app.container.get("cache")) is MemoryCache


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"cache": "half"}, "expected a method set_many(values, ttl=…), got none"),
        ({"event_bus": "half"}, "does not implement the port 'event_bus'"),
        (
            {"cache": "elsewhere"},
            "cache: config chooses 'elsewhere', which no package offers: expected one of default, half, own, redis",
        ),
    ],
)
async def test_an_adapter_that_is_none_stops_the_start(make_app: MakeApp, chosen: dict[str, str], said: str) -> None:
    folder = make_app(GROUPS)
    with pytest.raises(ConfigurationError) as refused:
        async with open_application(folder, environment=_environment(folder, **chosen)):
            """Never reached."""
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("{app}:Gone", ["'broken'", "{app}", "Gone"]),
        ("{app}.gone:Cache", ["'broken'", "{app}.gone:Cache"]),
        ("{app}:ShortCache", ["'cache'", "set", "ttl"]),
    ],
    ids=["no class", "no module", "other parameters"],
)
async def test_a_class_that_cannot_be_used_is_one_error(make_app: MakeApp, value: str, named: list[str]) -> None:
    folder = make_app({**GROUPS, "adapters.cache": {"broken": value}})
    with pytest.raises(ConfigurationError) as refused:
        async with open_application(folder, environment=_environment(folder, cache="broken")):
            """Never reached."""
    app = next(folder.glob("choosing_*.py")).stem
    assert_names(refused.value, *(name.format(app=app) for name in named))


async def test_migrations_have_the_cache_and_need_no_bus(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A patch may run controllers, which ask for the cache; events wait until a server brings them to the bus."""
    folder = make_app(GROUPS)
    for name, value in _environment(folder, "default", cache="own", event_bus="half").items():
        monkeypatch.setenv(name, value)
    async with open_migrations(folder) as migrations:
        assert await migrations.init()


async def test_an_app_has_no_port_of_these_names(make_app: MakeApp) -> None:
    folder = make_app({**GROUPS, "ports": {"cache": "framework_m:CacheProtocol"}})
    with pytest.raises(ConfigurationError) as refused:
        async with open_application(folder, environment=_environment(folder)):
            """Never reached."""
    assert_names(refused.value, "cache", "framework", "port")
