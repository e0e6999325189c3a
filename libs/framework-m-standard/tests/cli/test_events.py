"""`m events`: who consumes events, what is parked, and how it comes again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from framework_m_core.bootstrap.application import open_application
from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.context import make_system_context
from framework_m_core.interfaces.consumers import Progress, SetAside
from framework_m_core.services.events.turn import LEASE
from tests.errors import assert_names

from .conftest import RunM

APP = """
from framework_m import DocCreated, DocType, consumer, on


class Parcel(DocType):
    weight: int = 0


@on("Parcel", DocCreated)
async def weigh(event, documents) -> None: ...


@consumer("acme_search", "*")
async def index(event, documents) -> None: ...
"""


@pytest.fixture(autouse=True)
def _app(tmp_path: Path) -> None:
    (tmp_path / "kiosk.py").write_text(APP)
    project = '[project]\nname = "kiosk"\n[project.entry-points."framework_m.apps"]\nkiosk = "kiosk"\n'
    (tmp_path / "pyproject.toml").write_text(project)


async def _park(folder: Path, *, leased: bool = False) -> int:
    """Park the event of a new parcel for the handlers of the app, and return its position."""
    async with open_application(folder, environment={}) as app:
        consumers, outbox = app.container.get("consumers"), app.container.get("outbox")
        await app.documents.create(make_system_context("a test", source="cli"), "Parcel", {})
        (event,) = (await outbox.read(0, 100, lambda topic: topic == "doc.created:Parcel")).events
        for name in ("kiosk.handlers", "acme_search"):
            assert await consumers.lease(name, "a test", system_clock(), LEASE) is not None
        parked = SetAside(event.position, event.key, 10, error="ValueError: too heavy", parked=True)
        await consumers.save("kiosk.handlers", "a test", Progress(event.position, [parked]))
        await consumers.save("acme_search", "a test", Progress(event.position))
        await consumers.release("kiosk.handlers", "a test")
        if not leased:
            await consumers.release("acme_search", "a test")
        return int(event.position)


def _lines(text: str) -> list[str]:
    return [re.sub(r"\s\s+", " | ", line) for line in text.splitlines()]


async def test_consumers_are_listed_with_what_waits_and_what_is_parked(run_m: RunM, tmp_path: Path) -> None:
    before = _lines(run_m("events", "consumers").stdout)
    assert [re.sub(r"\d+ s ", "N s ", line) for line in before] == [
        "acme_search | does not run | behind for N s | 0 set aside | 0 parked | *",
        "kiosk.handlers | does not run | behind for N s | 0 set aside | 0 parked | doc.created:Parcel",
    ]
    await _park(tmp_path, leased=True)
    assert _lines(run_m("events", "consumers").stdout) == [
        "acme_search | runs | waits for nothing | 0 set aside | 0 parked | *",
        "kiosk.handlers | does not run | waits for nothing | 0 set aside | 1 parked | doc.created:Parcel",
    ]


async def test_a_parked_event_is_shown_and_made_due(run_m: RunM, tmp_path: Path) -> None:
    position = await _park(tmp_path)
    for arguments in ((), ("kiosk.handlers",)):
        (line,) = _lines(run_m("events", "parked", *arguments).stdout)
        name, at, topic, _, error = line.split(" | ")
        assert (name, at, topic, error) == (
            "kiosk.handlers", str(position), "doc.created:Parcel", "ValueError: too heavy",
        ), arguments  # fmt: skip
    assert run_m("events", "parked", "acme_search").stdout == "no event is parked\n"
    told = "0 events of kiosk.handlers will be delivered now\n"
    assert run_m("events", "retry", "kiosk.handlers", str(position + 1)).stdout == told
    told = "1 event of kiosk.handlers will be delivered now\n"
    assert run_m("events", "retry", "kiosk.handlers").stdout == told
    assert run_m("events", "parked").stdout == "no event is parked\n"


async def test_only_a_consumer_that_does_not_run_is_removed(run_m: RunM, tmp_path: Path) -> None:
    await _park(tmp_path, leased=True)
    refused = run_m("events", "remove", "acme_search")
    assert refused.returncode == 2 and "'acme_search' runs" in refused.stderr
    (tmp_path / "kiosk.py").write_text(APP.split("@on", maxsplit=1)[0])
    assert run_m("events", "remove", "kiosk.handlers").stdout == "removed kiosk.handlers\n"
    assert "kiosk" not in run_m("events", "consumers").stdout


@pytest.mark.parametrize("command", ["parked", "retry", "remove"])
def test_an_unknown_consumer_is_guessed(run_m: RunM, command: str) -> None:
    refused = run_m("events", command, "kiosk.handler")
    assert refused.returncode == 2
    assert_names(refused.stderr, "'kiosk.handler'", "'kiosk.handlers'")


@pytest.mark.parametrize("position", ["99999999999999999999", "0"])
def test_a_position_that_no_event_has_is_refused(run_m: RunM, position: str) -> None:
    refused = run_m("events", "retry", "kiosk.handlers", position)
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)


def test_an_app_without_consumers_says_so(run_m: RunM, tmp_path: Path) -> None:
    (tmp_path / "kiosk.py").touch()
    (tmp_path / "kiosk.py").write_text("")
    assert "there are no consumers" in run_m("events", "consumers").stdout
