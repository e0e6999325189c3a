"""Packages of others take part once they are installed: an adapter, a step, a port and an override of the container."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.isolation.environments import ROOT, Environment, build_app, make_environment

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("isolation")]

PACKAGES = ("acme-cache", "acme-clock", "acme-indexer", "acme-rates")
PROJECT = """
    [project]
    name = "deals"
    version = "0.1.0"
    [project.entry-points."framework_m.apps"]
    deals = "deals"
"""
CONFIG = """
    [adapters]
    cache = "acme"

    [acme_cache]
    prefix = "deals:"
"""
APP = """
    from acme_rates import Rates

    from framework_m import CacheProtocol, Controller, DocType


    class Deal(DocType):
        currency: str = "EUR"
        worth: int = 0

        class Meta:
            permissions = {"create": {"Clerk": "all"}, "read": {"Clerk": "all"}}


    class DealController(Controller[Deal]):
        rates: Rates
        cache: CacheProtocol

        async def validate(self) -> None:
            self.doc.worth = self.rates.worth(self.doc.currency)
            await self.cache.set(self.doc.currency, self.doc.worth)
"""
SCRIPT = """
import asyncio, json
from framework_m_core.bootstrap.application import open_application
from framework_m_core.domain.context import system_context

async def main():
    async with open_application(roles=["indexer"]) as app:
        deal = await app.documents.create(system_context("a test", clock=app.container.get("clock")), "Deal", {})
        cache, step = app.container.get("cache"), app.container.get("indexer_step")
        await app.ping()
        found = {
            "worth": deal["worth"], "created": deal["creation"].isoformat()[:10], "cached": cache._values,
            "indexed": "Deal" in app.container.get("index")["doctypes"], "roles": sorted(app.roles),
        }
    print(json.dumps(found | {"events": cache.events, "closed": step.is_closed}))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def environment(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Our wheels and those of the packages, and nothing of the workspace."""
    folder = tmp_path_factory.mktemp("third-parties")
    built = [build_app(ROOT / "tests/third_parties" / name, folder / name) for name in PACKAGES]
    ours = [f"{name} @ {wheels[name].as_uri()}" for name in ("framework-m-core", "framework-m-standard", "framework-m")]
    return make_environment(folder / "environment", [*ours, *map(str, built)])


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app that uses what the packages bring."""
    files = {"pyproject.toml": PROJECT, "framework_config.toml": CONFIG, "deals.py": APP}
    for name, text in files.items():
        (tmp_path / name).write_text(dedent(text))
    return tmp_path


def test_an_app_works_with_all_of_them(environment: Environment, app: Path) -> None:
    done = environment.run("python", "-c", SCRIPT, folder=app)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found == {
        "worth": 7,
        "created": "2030-01-31",
        "cached": {"deals:EUR": 7},
        "indexed": True,
        "roles": ["indexer"],
        "events": ["open", "ping", "close"],
        "closed": True,
    }


def test_what_takes_part_is_told_with_its_distribution(environment: Environment, app: Path) -> None:
    done = environment.run("m", "info", "--verbose", folder=app)
    assert done.returncode == 0, done.stderr
    for distribution in PACKAGES:
        assert distribution in done.stdout, done.stdout


def test_a_step_of_another_role_does_not_run(environment: Environment, app: Path) -> None:
    done = environment.run("m", "console", "-c", "print('index' in app.container.names)", folder=app)
    assert done.stdout.strip().splitlines()[-1:] == ["False"], done.stderr
