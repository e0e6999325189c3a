"""Every step that the framework registers keeps the contract of steps."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from framework_m_core.bootstrap.application import BOOTSTRAP, Application, Step, open_application
from framework_m_core.bootstrap.plugins.discovery import discover_installed
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.container.container import Container
from framework_m_core.domain.clock import Clock
from framework_m_core.domain.context import make_system_context
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.events import Interest
from framework_m_core.interfaces.bootstrap import ROLES, BootstrapProtocol
from framework_m_core.interfaces.consumers import Progress
from framework_m_core.services.events.turn import LEASE
from framework_m_standard.memory.schema_mapper import MemorySchemaMapper
from framework_m_testing.contracts.bootstrap import BootstrapContract
from tests.errors import assert_names

STORES = {"": ("sqlite",), "store.default": ("sqlite", "postgres"), "store.memory": ("memory",)}
REGISTERED = [
    (group.removeprefix(BOOTSTRAP).removeprefix("."), choice.name)
    for group in discover_installed().find_groups(BOOTSTRAP)
    for choice in discover_installed().find_choices(group)
    if choice.distribution.startswith("framework-m")
]
CASES = [(prepares, name, store) for prepares, name in REGISTERED for store in STORES.get(prepares, ("memory",))]


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Undoes what a step does to the garbage collector of the process."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.fixture(params=CASES, ids=lambda case: "-".join(filter(None, case)))
def case(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    found: tuple[str, str, str] = request.param
    return found


class TestSteps(BootstrapContract):
    @pytest.fixture
    def built(self, case: tuple[str, str, str], request: pytest.FixtureRequest, tmp_path: Path) -> Application:
        """An application of which the step is part, not yet opened."""
        url = (
            str(request.getfixturevalue("empty_postgres_url"))
            if case[2] == "postgres"
            else f"sqlite:///{tmp_path}/s.db"
        )
        environment = {"M_ADAPTERS__STORE": "memory"} if case[2] == "memory" else {"DATABASE_URL": url}
        if case[0] not in STORES:
            port, _, choice = case[0].partition(".")
            environment[f"M_ADAPTERS__{port.upper()}"] = choice
        if case[1] == "init_redis":
            environment["M_REDIS__URL"] = request.getfixturevalue("redis_url")
        if case[1] == "init_nats":
            environment["M_NATS__URL"] = request.getfixturevalue("own_nats").url
        return Application(load_settings(tmp_path, environment))

    @pytest.fixture
    def registered(self, case: tuple[str, str, str], built: Application) -> Step:
        [found] = [step for step in built.steps if (step.prepares, step.name) == case[:2]]
        return found

    @pytest.fixture
    def step(self, registered: Step) -> BootstrapProtocol:
        return registered.step

    @pytest.fixture
    async def app(self, built: Application, registered: Step) -> AsyncIterator[Application]:
        await built.open(ROLES, registered.order - 1)
        yield built
        await built.close()


def test_every_registered_step_is_tried() -> None:
    assert {"init_engine", "init_memory", "init_registries", "init_web", "run_relay"} <= {
        name for _, name in REGISTERED
    }


@pytest.mark.parametrize("store", ["sqlite", "memory"])
async def test_a_process_that_does_not_relay_tells_when_nobody_does(
    store: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    environment = {"M_ADAPTERS__STORE": "memory"} if store == "memory" else {"DATABASE_URL": url}
    async with open_application(tmp_path, roles=["web"], environment=environment) as app:
        assert "live process" not in caplog.text
        assert await app.collect_warnings() == []
        consumers, now = app.container.get("consumers"), app.container.get("clock")()
        await consumers.register({"shop.handlers": Interest(["*"]), "bus": Interest(["*"])}, now)
        [warning] = await app.collect_warnings()
        assert await consumers.lease("bus", "another process", now, LEASE) == 0
        [other] = await app.collect_warnings()
        assert await consumers.lease("shop.handlers", "another process", now, LEASE) == 0
        assert await app.collect_warnings() == []
    assert "bus, shop.handlers" in warning and "`m worker`" in warning
    assert "bus" not in other
    if store == "memory":
        return
    caplog.clear()
    async with open_application(tmp_path, roles=["web"], environment=environment) as app:
        await _release(app, "another process")
    async with open_application(tmp_path, roles=["web"], environment=environment):
        assert_names(caplog.text, "live process", "bus, shop.handlers")
    for roles, expected in ((["web", "relay"], ["shop.handlers"]), (["worker"], ["bus"]), (["worker", "relay"], [])):
        async with open_application(tmp_path, roles=roles, environment=environment) as app:
            await _release(app, "another process")
            told = [name for name in ("bus", "shop.handlers") for said in await app.collect_warnings() if name in said]
            assert told == expected, roles


async def _release(app: Application, holder: str) -> None:
    for name in ("bus", "shop.handlers"):
        await app.container.get("consumers").release(name, holder)


async def test_a_consumer_that_is_far_behind_is_warned_of(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/s.db", "M_FRAMEWORK__CONSUMER_LAG_MINUTES": "10"}
    async with open_application(tmp_path, roles=["web"], environment=environment) as app:
        consumers, clock = app.container.get("consumers"), app.container.get("clock")
        await consumers.register({"slow": Interest(["*"])}, clock())
        assert await consumers.lease("slow", "another process", clock(), LEASE) == 0
        for minutes, names in ((9, []), (11, ["slow"])):
            await consumers.save("slow", "another process", Progress(await _newest(app)))
            context = make_system_context("a test", source="cli", clock=partial(_ago, clock, minutes))
            await app.documents.create(context, "Role", {"name": f"Clerk {minutes}"})
            told = await app.collect_warnings()
            assert [name for said in told for name in names if name in said] == names == ["slow"] * len(told), minutes


def _ago(clock: Clock, minutes: int) -> datetime:
    return clock() - timedelta(minutes=minutes)


async def _newest(app: Application) -> int:
    return int((await app.container.get("outbox").read(0, 1000, lambda _: True)).upto)


class Unsynced(MemorySchemaMapper):
    """A mapper of a store of somebody else's, whose own setting turns the sync off."""

    sync_schema = False  # type: ignore[assignment]

    async def plan(self) -> list[str]:
        return ["a table"]


@pytest.mark.parametrize("sync", [None, False])
async def test_the_store_says_whether_a_start_syncs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: bool | None
) -> None:
    monkeypatch.setattr(Unsynced, "sync_schema", sync)
    container = Container()
    container.override("schema_mapper", Unsynced)
    application = Application(load_settings(tmp_path, {"M_ADAPTERS__STORE": "memory"}), container)
    if sync is None:
        await application.open(["cli"])
        await application.close()
        return
    with pytest.raises(ConfigurationError, match="a table"):
        await application.open(["cli"])


async def test_the_setting_of_the_sql_store_is_its_own(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/s.db", "M_SQL__SYNC_SCHEMA": "false"}
    with pytest.raises(ConfigurationError, match="sync_schema is false"):
        await Application(load_settings(tmp_path, environment)).open(["cli"])
