"""An application brings its steps up in their order and down in reverse, whatever fails."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from framework_m_core.bootstrap.application import Application, Step
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.domain.errors import ConfigurationError
from framework_m_testing.fakes.bootstrap import FakeBootstrap
from tests.errors import assert_names

BROKEN = RuntimeError("broken")


@pytest.fixture
def journal() -> list[str]:
    return []


@pytest.fixture
def steps(journal: list[str]) -> dict[str, FakeBootstrap]:
    return {name: FakeBootstrap(name, order, journal=journal) for name, order in (("a", 10), ("b", 20), ("c", 30))}


@pytest.fixture
def app(tmp_path: Path, steps: dict[str, FakeBootstrap]) -> Application:
    application = Application(load_settings(tmp_path, {}))
    application.steps = tuple(Step(name, "tests", step.order, "", step) for name, step in steps.items())
    return application


async def test_steps_run_up_to_an_order_and_are_closed_in_reverse(app: Application, journal: list[str]) -> None:
    await app.open(["web"], 20)
    await app.ping()
    await app.close()
    assert journal == ["a.run", "b.run", "a.ping", "b.ping", "b.close", "a.close"]
    await app.close()
    assert len(journal) == 6


async def test_a_step_that_fails_stops_the_start_and_is_closed_with_those_before_it(
    app: Application, steps: dict[str, FakeBootstrap], journal: list[str]
) -> None:
    steps["b"].failures["run"] = BROKEN
    with pytest.raises(RuntimeError, match="broken"):
        await app.open(["web"])
    assert journal == ["a.run", "b.run", "b.close", "a.close"]


async def test_a_step_that_cannot_be_closed_keeps_no_other_open(
    app: Application, steps: dict[str, FakeBootstrap], journal: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    steps["b"].failures["close"] = BROKEN
    await app.open(["web"])
    with caplog.at_level(logging.ERROR):
        await app.close()
    assert journal[3:] == ["c.close", "b.close", "a.close"]
    assert [(record.args, record.levelname) for record in caplog.records] == [(("b",), "ERROR")]


async def test_an_application_is_as_well_as_its_steps(app: Application, steps: dict[str, FakeBootstrap]) -> None:
    await app.open(["web"], 20)
    steps["c"].failures["ping"] = BROKEN
    await app.ping()
    steps["b"].failures["ping"] = BROKEN
    with pytest.raises(RuntimeError, match="broken"):
        await app.ping()


@pytest.mark.parametrize(
    ("roles", "run"),
    [(["web"], ["a", "b"]), (["worker"], ["a", "c"]), (["web", "worker"], ["a", "b", "c"]), (["cli"], ["a"])],
)
async def test_a_step_runs_in_processes_of_its_roles(
    app: Application, steps: dict[str, FakeBootstrap], journal: list[str], roles: list[str], run: list[str]
) -> None:
    _give_roles(app, steps, b=["web"], c=["worker"])
    await app.open(roles)
    assert journal == [f"{name}.run" for name in run]


@pytest.mark.parametrize(("roles", "runs"), [(["cli"], False), (["web"], True), (["indexer"], True)])
async def test_a_step_of_long_running_processes_does_not_run_in_a_command(
    app: Application, steps: dict[str, FakeBootstrap], journal: list[str], roles: list[str], runs: bool
) -> None:
    app.steps = (
        Step("a", "tests", 10, "", steps["a"], long_running=True),
        Step("b", "tests", 20, "", steps["b"], frozenset({"indexer"})),
    )
    await app.open(roles)
    assert ("a.run" in journal) is runs


async def test_a_role_that_is_added_runs_its_steps_alone(
    app: Application, steps: dict[str, FakeBootstrap], journal: list[str]
) -> None:
    _give_roles(app, steps, b=["web"], c=["worker"])
    await app.open(["worker"])
    await app.open(["web"])
    assert journal == ["a.run", "c.run", "b.run"]


async def test_a_package_names_a_role_of_its_own(app: Application, steps: dict[str, FakeBootstrap]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await app.open(["indexer"])
    assert_names(refused.value, "role 'indexer'", "web, worker, relay")
    _give_roles(app, steps, b=["indexer"])
    await app.open(["indexer"])
    assert app.roles == {"indexer"}


def _give_roles(app: Application, steps: dict[str, FakeBootstrap], **roles: list[str]) -> None:
    app.steps = tuple(
        Step(name, "tests", step.order, "", step, frozenset(roles.get(name, ()))) for name, step in steps.items()
    )


VARIANT_OF_MEMORY = """
[project]
name = "acme"
[project.entry-points."framework_m.apps"]
acme = "acme_app"
[project.entry-points."framework_m.variants"]
acme = "acme_app:VARIANT"
"""


@pytest.mark.parametrize(
    ("chosen", "replaced"), [({}, True), ({"adapters.store": "memory"}, True), ({"adapters.store": "default"}, False)]
)
def test_a_variant_replaces_steps_where_its_adapters_are_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], replaced: bool
) -> None:
    (tmp_path / "pyproject.toml").write_text(VARIANT_OF_MEMORY)
    (tmp_path / "acme_app.py").write_text('VARIANT = {"adapters": {"store": "memory"}, "replaces": ["tune_collector"]}')
    monkeypatch.setattr("sys.path", [*sys.path])
    application = Application(load_settings(tmp_path, {}, overrides=chosen))
    assert ("tune_collector" not in [step.name for step in application.steps]) is replaced
