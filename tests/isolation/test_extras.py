"""Standard with each of its extras alone: it brings what its modules import, and the app works on it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest

from tests.isolation.environments import ROOT, Environment, make_environment
from tests.nats_server import OwnNats

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("isolation")]

PROJECT = tomllib.loads((ROOT / "libs/framework-m-standard/pyproject.toml").read_text())["project"]
EXTRAS: Mapping[str, list[str]] = PROJECT["optional-dependencies"]
PACKAGES = {"nats-py": "nats"}
"""Import names of distributions that are called otherwise."""

ROOMS = {
    "framework_m_standard.sql",
    "framework_m_standard.redis",
    "framework_m_standard.nats",
    "framework_m.migrations",
}
"""What may need an extra; everything else is imported without any."""

APP = {
    "pyproject.toml": """
        [project]
        name = "shop"
        version = "0.1.0"
        [project.entry-points."framework_m.apps"]
        shop = "shop"
    """,
    "shop.py": '"""An app without DocTypes."""',
}
IMPORTS = """
import importlib, importlib.metadata, json, sys
missing = {}
for name in sys.argv[1:]:
    for file in importlib.metadata.files(name):
        if file.suffix == ".py":
            module = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
            try:
                importlib.import_module(module)
            except ModuleNotFoundError as error:
                missing[module] = error.name.partition(".")[0]
print(json.dumps(missing))
"""


def vendors(extra: str) -> Iterator[str]:
    """Import names of what an extra brings."""
    for requirement in EXTRAS[extra]:
        name, _, extras = (re.match(r"([\w.-]+)(\[([\w,-]+)\])?", requirement) or pytest.fail(requirement)).groups()
        if name == PROJECT["name"]:
            yield from (vendor for other in extras.split(",") for vendor in vendors(other))
        else:
            yield PACKAGES.get(name, name.replace("-", "_"))


@pytest.fixture(scope="module", params=[None, *EXTRAS], ids=lambda extra: extra or "none")
def extra(request: pytest.FixtureRequest) -> str | None:
    """An extra, or none."""
    found: str | None = request.param
    return found


@pytest.fixture(scope="module")
def environment(extra: str | None, wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Core, and standard with this extra alone."""
    extras = f"[{extra}]" if extra else ""
    standard = f"framework-m-standard{extras} @ {wheels['framework-m-standard'].as_uri()}"
    core = f"framework-m-core @ {wheels['framework-m-core'].as_uri()}"
    return make_environment(tmp_path_factory.mktemp(extra or "none") / "venv", [core, standard])


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app without DocTypes."""
    for name, text in APP.items():
        (tmp_path / name).write_text(dedent(text))
    return tmp_path


def test_an_extra_brings_what_its_modules_import_and_no_other(
    environment: Environment, wheels: Mapping[str, Path], extra: str | None
) -> None:
    missing: dict[str, str] = json.loads(environment.python(IMPORTS, "framework-m-core", "framework-m-standard"))
    brought = set(vendors(extra)) if extra else set()
    absent = {vendor for other in EXTRAS for vendor in vendors(other)} - brought
    assert environment.absent(*brought, *absent) == absent
    assert set(missing.values()) <= absent
    assert {module for module in missing if not module.startswith(tuple(ROOMS))} == set()
    for name, found in environment.provenance("framework-m-core", "framework-m-standard").items():
        assert found["url"] == wheels[name].as_uri()


def test_an_app_runs_on_it(
    environment: Environment, extra: str | None, app: Path, request: pytest.FixtureRequest
) -> None:
    variables = {"M_ADAPTERS__STORE": "memory"} | _settings(extra, request)
    with environment.running("m", "start", "--no-reload", folder=app, variables=variables) as address:
        ready = httpx.get(f"{address}/ready")
        assert ready.status_code == 200, ready.text


def _settings(extra: str | None, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What makes an app use the technology of an extra."""
    if extra == "redis":
        ports = {f"M_ADAPTERS__{port}": "redis" for port in ("CACHE", "EVENT_BUS", "SESSION", "LOGIN_ATTEMPTS")}
        url, prefix = request.getfixturevalue("redis_url"), request.getfixturevalue("redis_prefix")
        return {**ports, "M_REDIS__URL": url, "M_REDIS__PREFIX": prefix}
    if extra == "nats":
        server: OwnNats = request.getfixturevalue("own_nats")
        return {"M_ADAPTERS__EVENT_BUS": "nats", "M_NATS__URL": server.url}
    if extra in {"postgres", "mariadb"}:
        return {"M_ADAPTERS__STORE": "default", "M_SQL__URL": request.getfixturevalue(f"empty_{extra}_url")}
    return {"M_ADAPTERS__STORE": "default"} if extra == "sql" else {}
