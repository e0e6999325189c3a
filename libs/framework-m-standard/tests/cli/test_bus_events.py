"""`m events bus`: what a group of the bus has parked, in a broker that the command shares with the app."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.broker.reader import Retries
from framework_m_standard.redis.client import RedisClient
from framework_m_standard.redis.event_bus import RedisEventBus
from framework_m_standard.redis.settings import RedisSettings
from framework_m_testing.deliveries import RecordingGroup, make_events, settle, wait_until
from framework_m_testing.harness import build_sample_registry
from tests.errors import assert_names

from .conftest import RunM

_SOON = timedelta(minutes=5)


@pytest.fixture
def variables(redis_url: str, redis_prefix: str, tmp_path: Path) -> dict[str, str]:
    """An app whose bus is in Redis."""
    (tmp_path / "kiosk.py").touch()
    project = '[project]\nname = "kiosk"\n[project.entry-points."framework_m.apps"]\nkiosk = "kiosk"\n'
    (tmp_path / "pyproject.toml").write_text(project)
    chosen = {"M_ADAPTERS__STORE": "memory", "M_ADAPTERS__EVENT_BUS": "redis"}
    return {**chosen, "M_REDIS__URL": redis_url, "M_REDIS__PREFIX": redis_prefix}


@pytest.fixture
async def parked(redis_url: str, redis_prefix: str) -> list[UUID]:
    """The ids of the events that the group `search` has parked."""
    client = RedisClient(RedisSettings(url=redis_url, prefix=redis_prefix))
    await client.open()
    bus = RedisEventBus(client, RegistryHandle(build_sample_registry()), system_clock, Retries(2, 0.02))
    await bus.subscribe("search", RecordingGroup(lambda event: True))
    events = make_events(1, 2, 3)
    await settle(bus, events)

    async def are_parked() -> bool:
        return len(await bus.read_parked("search")) == len(events)

    await wait_until(are_parked)
    await bus.close()
    await client.close()
    return [event.id for event in events]


def test_what_is_parked_is_listed_retried_and_dropped(
    run_m: RunM, variables: dict[str, str], parked: list[UUID]
) -> None:
    def told(*words: str) -> str:
        done = run_m("events", "bus", *words, variables=variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    shown = told("parked", "search").splitlines()
    assert [line.split()[0] for line in shown] == [str(id) for id in parked]
    assert {timedelta() <= system_clock() - datetime.fromisoformat(line.split()[1]) < _SOON for line in shown} == {True}
    assert_names(shown[0], "ZeroDivisionError", "doc.updated:Thing", "2 attempts")
    assert_names(told("drop", "search", str(parked[0])), "1 event")
    assert_names(told("retry", "search", str(parked[1])), "1 event")
    assert [line.split()[0] for line in told("parked", "search").splitlines()] == [str(parked[2])]
    assert_names(told("drop", "search", "--all"), "1 event")
    assert_names(told("parked", "search"), "no event", "search")


@pytest.mark.parametrize("words", [("drop", "search"), ("drop", "search", str(UUID(int=7)), "--all")])
def test_dropping_wants_one_event_or_all(run_m: RunM, variables: dict[str, str], words: tuple[str, ...]) -> None:
    refused = run_m("events", "bus", *words, variables=variables)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert_names(refused.stderr, "id", "--all")
