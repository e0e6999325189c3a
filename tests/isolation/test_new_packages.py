"""Packages of others as `m new` makes them: installed beside our wheels, checked, bound, and outranked by config.

These are the commands of writing-adapters.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from tests.isolation.environments import Environment, build_app, make_environment

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("isolation")]

OURS = ("framework-m-core", "framework-m-standard", "framework-m", "framework-m-studio")
PORTS = ("event_bus", "login_attempts", "permission", "session")
MADE = {
    "acme-mx": ("mx", "acme-mx"),
    "acme-fast": ("adapter", "acme-fast", "--port", "cache"),
    **{
        f"acme-{port.replace('_', '-')}": ("adapter", f"acme-{port.replace('_', '-')}", "--port", port)
        for port in PORTS
    },
}
EMAIL, PASSWORD = "ada@example.com", "correct horse battery"


@pytest.fixture(scope="module")
def installed(wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Our wheels with a variant and an adapter, each made from its template and built."""
    folder = tmp_path_factory.mktemp("made")
    ours = [f"{name} @ {wheels[name].as_uri()}" for name in OURS]
    developer = make_environment(folder / "developer", ours)
    built = []
    for name, words in MADE.items():
        made = developer.run("m", "new", *words, folder=folder)
        assert made.returncode == 0, made.stderr
        built.append(str(build_app(folder / name, folder / f"{name}-dist")))
    return make_environment(folder / "environment", [*ours, *built])


@pytest.fixture
def app(installed: Environment, tmp_path: Path) -> Path:
    """A new app."""
    made = installed.run("m", "new", "app", "shop", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path / "shop"


@pytest.mark.parametrize("name", MADE)
def test_it_passes_the_check(installed: Environment, name: str) -> None:
    checked = installed.run("m", "adapter", "check", name)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("chosen", "bound", "source"),
    [
        (None, "acme_mx.adapter:AcmeMx", "variant acme_mx"),
        ("acme_fast", "acme_fast.adapter:AcmeFast", "config"),
        ("default", "framework_m_standard.memory.cache:MemoryCache", "config"),
    ],
)
def test_config_outranks_the_variant_and_this_the_default(
    installed: Environment, app: Path, chosen: str | None, bound: str, source: str
) -> None:
    variables = {"M_ADAPTERS__CACHE": chosen} if chosen else {}
    told = installed.run("m", "info", "--verbose", folder=app, variables=variables)
    assert told.returncode == 0, told.stderr
    (line,) = [line for line in told.stdout.splitlines() if line.split()[:1] == ["cache"] and ":" in line]
    assert bound in line
    assert f"by {source}" in line


def test_the_app_serves_with_the_variant_and_the_other_adapters(installed: Environment, app: Path) -> None:
    variables = {f"M_ADAPTERS__{port.upper()}": f"acme_{port}" for port in PORTS}
    command = ("m", "user", "create", EMAIL, "--role", "Shop Manager", "--password-stdin")
    created = installed.run(*command, folder=app, typed=PASSWORD, variables=variables)
    assert created.returncode == 0, created.stderr
    with installed.running("m", "start", "--no-reload", folder=app, variables=variables) as address:
        login = httpx.post(f"{address}/api/v1/auth/login", json={"username": EMAIL, "password": PASSWORD})
        headers = {"authorization": f"Bearer {login.json()['access_token']}"}
        made = httpx.post(f"{address}/api/v1/Task", json={"title": "Open the shop"}, headers=headers)
        assert (made.status_code, httpx.get(f"{address}/api/v1/Task").status_code) == (201, 401)
