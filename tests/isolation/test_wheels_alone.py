"""Each wheel in an environment of its own: it is ours, it works, and it brings nothing that it should not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.isolation.conftest import CONTENTS, Environments
from tests.isolation.environments import DISTRIBUTIONS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("isolation")]

VERSION = "1.0.0"
SQL = ("sqlalchemy", "greenlet", "asyncpg")
STANDARD = ("litestar", "uvicorn", "argon2", "jwt", "framework_m_standard", "framework_m")
BROKERS = ("redis", "nats")
TESTS = ("framework_m_testing", "pytest", "hypothesis")
TOOLS = ("framework_m_studio", "jinja2", "tomlkit")


@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_installed_is_ours(environment: Environments, wheels: dict[str, Path], name: str) -> None:
    for distribution, found in environment(name).provenance(*CONTENTS[name]).items():
        assert found["version"] == VERSION
        assert found["url"] == wheels[distribution].as_uri()


def test_core_alone_imports_and_brings_no_vendor(environment: Environments) -> None:
    alone = environment("core")
    assert "site-packages" in alone.python("import framework_m_core as m; print(m.__file__)")
    unwanted = {*SQL, *STANDARD, *BROKERS, *TESTS, *TOOLS}
    assert alone.absent(*unwanted) == unwanted


def test_m_answers_on_core_alone(environment: Environments) -> None:
    done = environment("core").run("m", "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_standard_without_extras_imports_and_brings_no_store(environment: Environments) -> None:
    standard = environment("standard")
    standard.python("import framework_m, framework_m_standard")
    unwanted = {*SQL, *BROKERS, *TESTS}
    assert standard.absent(*unwanted) == unwanted


@pytest.mark.parametrize(("port", "choice"), [("CACHE", "redis"), ("EVENT_BUS", "nats")])
def test_what_an_extra_would_bring_is_named_where_it_is_missing(
    environment: Environments, tmp_path: Path, port: str, choice: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nentry-points."framework_m.apps" = {shop = "shop"}'
    )
    (tmp_path / "shop.py").touch()
    chosen = {"M_ADAPTERS__STORE": "memory", f"M_ADAPTERS__{port}": choice}
    done = environment("standard").run("m", "user", "list", folder=tmp_path, variables=chosen)
    assert done.returncode != 0
    assert f"install framework-m-standard[{choice}]" in done.stderr


def test_the_facade_ships_in_standard(environment: Environments) -> None:
    found = environment("whole").provenance("framework-m-standard", "framework-m")
    assert "framework_m/__init__.py" in found["framework-m-standard"]["modules"]
    assert found["framework-m"]["modules"] == []


def test_the_whole_brings_sql_and_no_test_tools(environment: Environments) -> None:
    whole = environment("whole")
    whole.python("import framework_m, sqlalchemy, greenlet")
    unwanted = {*BROKERS, *TESTS, *TOOLS, "asyncpg"}
    assert whole.absent(*unwanted) == unwanted


def test_testing_brings_core_and_no_adapter(environment: Environments) -> None:
    testing = environment("testing")
    testing.python("import framework_m_testing, pytest, hypothesis")
    unwanted = {*SQL, *STANDARD}
    assert testing.absent(*unwanted) == unwanted


def test_studio_brings_core_and_no_adapter(environment: Environments) -> None:
    studio = environment("studio")
    studio.python("import framework_m_studio.scaffolding.app")
    unwanted = {*SQL, *STANDARD, *TESTS}
    assert studio.absent(*unwanted) == unwanted


def test_the_client_brings_httpx_and_nothing_of_the_server(environment: Environments) -> None:
    client = environment("client")
    client.python("import framework_m_client, httpx")
    unwanted = {*SQL, *STANDARD, *TESTS, *TOOLS, "framework_m_core", "pydantic"}
    assert client.absent(*unwanted) == unwanted


def test_the_mongodb_variant_brings_its_driver_and_no_sql(environment: Environments) -> None:
    mongo = environment("mongo")
    mongo.python("import framework_mx_mongo.startup, framework_mx_mongo.unit_of_work, framework_m")
    unwanted = {*SQL, *TESTS, *TOOLS, "motor", "secantus"}
    assert mongo.absent(*unwanted) == unwanted


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_wheels_carry_the_licence(environment: Environments, distribution: str) -> None:
    name = next(name for name, held in CONTENTS.items() if distribution in held)
    script = "import sys, importlib.metadata as m\nprint(*[f.name for f in m.files(sys.argv[1])])"
    assert "LICENSE" in environment(name).python(script, distribution).split()
