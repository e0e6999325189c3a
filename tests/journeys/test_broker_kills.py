"""A broker that is killed under load, again and again: no event is lost, no document write of a handler is repeated.

Fifty times each, which takes a minute and a half on two cores; `BROKER_KILLS=5` for a quick look.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.events import AnyEvent
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.events import runner as runner_module
from tests.nats_server import OwnNats
from tests.redis_server import OwnRedis

KILLS = int(os.environ.get("BROKER_KILLS", "50"))
EVENTS_PER_KILL = 20
PROGRESS_TIMEOUT_SECONDS = 30

QUICK = {"nats": {"M_NATS__REQUEST_TIMEOUT_SECONDS": "1"}}
"""Its client waits for an answer for the whole time-out, even after the connection is lost."""

MAX_AHEAD = 100

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("broker-kills")]

APP = """
from uuid import UUID

from framework_m import DocType


class Thing(DocType):
    number: int = 0

    class Meta:
        permissions = {action: {"Maker": "all"} for action in ("create", "read")}


class Booking(DocType):
    event: UUID
    number: int
"""
PROJECT = '[project]\nname = "shop"\nentry-points."framework_m.apps" = {shop = "shop"}\n'
MAKER = RequestContext(Principal("ada", frozenset({"Maker"})))


class Broker(Protocol):
    """A server of the test's own."""

    def start(self) -> None: ...

    def kill(self) -> None: ...


@pytest.fixture(params=["redis", "nats"])
def broker(request: pytest.FixtureRequest) -> tuple[Broker, Mapping[str, str]]:
    """A running server, and the settings of an app that uses it."""
    server: OwnRedis | OwnNats = request.getfixturevalue(f"own_{request.param}")
    name = request.param.upper()
    chosen = {"M_ADAPTERS__EVENT_BUS": request.param, f"M_{name}__URL": server.url}
    return server, {**chosen, **QUICK.get(request.param, {})}


async def _book(event: AnyEvent, documents: DocumentClient) -> None:
    """Write a document for each event, whose processing takes a while."""
    thing = await documents.get("Thing", event.document_id)
    await asyncio.sleep(0)
    await documents.create("Booking", {"event": str(event.id), "number": thing["number"]})


class _Load:
    """Creates documents until it is stopped, at most so many ahead of what is delivered; knows all it has created."""

    def __init__(self, app: Application, delivered: Counter[UUID]) -> None:
        self._app = app
        self._delivered = delivered
        self.created: list[UUID] = []
        self.goes_on = True

    async def run(self) -> None:
        while self.goes_on:
            made = await self._app.documents.create(MAKER, "Thing", {"number": len(self.created)})
            self.created.append(made["id"])
            await asyncio.sleep(0.01 if len(self.created) < len(self._delivered) + MAX_AHEAD else 0.1)


async def test_no_event_is_lost_and_no_write_is_repeated(
    broker: tuple[Broker, Mapping[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One group keeps count, another writes documents through the inbox; both meet every crash."""
    monkeypatch.setattr(runner_module, "_UNAVAILABLE_PAUSE_SECONDS", 0.2)
    server, chosen = broker
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "shop.py").write_text(APP)
    environment = {**chosen, "DATABASE_URL": f"sqlite:///{tmp_path / 'shop.db'}"}
    delivered: Counter[UUID] = Counter()

    async def count(event: AnyEvent) -> None:
        delivered[event.document_id] += 1

    async with open_application(tmp_path, environment=environment, roles=("worker", "relay")) as app:
        bus: Any = app.container.get("event_bus")
        await bus.subscribe("counting", count, "doc.created:Thing")
        await bus.subscribe("booking", app.container.get("inbox").wrap_once("booking", _book), "doc.created:Thing")
        load = _Load(app, delivered)
        running = asyncio.create_task(load.run())
        for _ in range(KILLS):
            await _grow(delivered, EVENTS_PER_KILL)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        load.goes_on = False
        await running
        created = set(load.created)
        await _until(lambda: created <= delivered.keys(), lambda: len(delivered))
        await _until(lambda: len(_booked(tmp_path)) >= len(created), lambda: len(_booked(tmp_path)))
        assert await bus.read_parked("counting") == await bus.read_parked("booking") == []
    assert len(created) > KILLS * EVENTS_PER_KILL
    booked = Counter(_booked(tmp_path))
    assert sorted(booked) == list(range(len(created)))
    assert set(booked.values()) == {1}
    print(f"{KILLS} kills, {len(created)} events, {sum(delivered.values()) - len(created)} delivered again")


def _booked(folder: Path) -> list[int]:
    """The number of the document that each booking is of."""
    with sqlite3.connect(folder / "shop.db") as connection:
        return [row[0] for row in connection.execute("SELECT number FROM booking")]


async def _grow(delivered: Counter[UUID], number: int) -> None:
    goal = len(delivered) + number
    await _until(lambda: len(delivered) >= goal, lambda: len(delivered))


async def _until(holds: Callable[[], bool], progress: Callable[[], int]) -> None:
    """Wait until a condition holds, for as long as there is progress."""
    seen, end = -1, 0.0
    time = asyncio.get_running_loop().time
    while not holds():
        if (now := progress()) != seen:
            seen, end = now, time() + PROGRESS_TIMEOUT_SECONDS
        assert time() < end, f"nothing happens anymore after {seen}"
        await asyncio.sleep(0.02)
