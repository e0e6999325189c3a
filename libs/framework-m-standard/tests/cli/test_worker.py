"""`m worker`: the roles that it takes, and when it gives up. `tests/http/serving` has it as a process."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from pathlib import Path

import pytest

from framework_m_core.bootstrap.application import Application, Step
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_standard.cli.worker import run, watch_health
from framework_m_testing.fakes.bootstrap import FakeBootstrap
from tests.errors import assert_names

from .conftest import RunM


@pytest.fixture
def app(tmp_path: Path) -> None:
    """An app without anything in it."""
    (tmp_path / "shop.py").write_text("")
    project = '[project]\nname = "shop"\n[project.entry-points."framework_m.apps"]\nshop = "shop"\n'
    (tmp_path / "pyproject.toml").write_text(project)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(("role", "hint"), [("wroker", ""), ("cli", ""), ("web", "`m prod` serves requests")])
def test_a_role_that_it_cannot_take_is_refused_with_those_that_it_can(
    run_m: RunM, tmp_path: Path, role: str, hint: str
) -> None:
    refused = run_m("worker", "--role", "worker", "--role", role)
    assert refused.returncode == 2
    assert_names(refused.stderr, "--role: expected one of worker, relay", f"got '{role}'", hint)
    assert not (tmp_path / ".m" / "data.db").exists()


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(("roles", "words"), [("wbe", ["no role 'wbe'", "web"]), ("relay", ["'web'", "`m worker`"])])
def test_a_server_names_an_unknown_role_before_it_misses_its_own(run_m: RunM, roles: str, words: list[str]) -> None:
    refused = run_m("start", "--no-reload", "--port", "0", variables={"M_FRAMEWORK__ROLES": roles})
    assert refused.returncode == 2
    assert_names(refused.stderr, *words)
    assert ("m worker" in refused.stderr) is (roles == "relay")


def test_without_an_app_it_does_not_start(run_m: RunM) -> None:
    refused = run_m("worker")
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1


async def test_one_that_stays_unhealthy_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    application = await _open(tmp_path, FakeBootstrap("a", 10, failures={"ping": RuntimeError("the store is gone")}))
    async with asyncio.timeout(5):
        await watch_health(application, check_seconds=0.01, max_unhealthy_seconds=0.05)
    first, last = (record.getMessage() for record in caplog.records)
    assert "the store is gone" in first and "ending" in last


class _Recovering(FakeBootstrap):
    """A step that is unhealthy once."""

    async def ping(self) -> None:
        failing = "a.ping" not in self.journal
        await super().ping()
        if failing:
            raise RuntimeError("the store is away")


async def test_one_that_recovers_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    step = _Recovering("a", 10)
    application = await _open(tmp_path, step)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await watch_health(application, check_seconds=0.01, max_unhealthy_seconds=0.2)
    first, last = (record.getMessage() for record in caplog.records)
    assert "the store is away" in first and "available again" in last
    assert step.journal.count("a.ping") > 2


class _SignalledWhileClosing(FakeBootstrap):
    """A step that takes some turns of the event loop to close, in which the process is asked to end."""

    async def close(self) -> None:
        signal.raise_signal(signal.SIGTERM)
        for _ in range(10):
            await asyncio.sleep(0)
        await super().close()


async def test_a_signal_does_not_interrupt_closing(tmp_path: Path) -> None:
    step = _SignalledWhileClosing("a", 10, failures={"ping": RuntimeError("the store is gone")})
    application = Application(load_settings(tmp_path, {}))
    application.steps = (Step("a", "tests", 10, "", step),)
    assert await run(application, ["worker"], partial(watch_health, check_seconds=0.01, max_unhealthy_seconds=0)) == 1
    assert step.journal[-1] == "a.close"


async def _open(folder: Path, step: FakeBootstrap) -> Application:
    application = Application(load_settings(folder, {}))
    application.steps = (Step("a", "tests", 10, "", step),)
    await application.open(["worker"])
    return application
