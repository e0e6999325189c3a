"""Each wheel in an environment of its own: it is ours, it works, and it brings nothing that it should not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.isolation.environments import DISTRIBUTIONS, ROOT, Environment, build_wheels, make_environment

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("isolation")]

VERSION = "1.0.0"
CONTENTS = {
    "core": ("framework-m-core",),
    "standard": ("framework-m-core", "framework-m-standard"),
    "whole": ("framework-m-core", "framework-m-standard", "framework-m"),
    "testing": ("framework-m-core", "framework-m-testing"),
}
"""Distributions that an environment gets, as wheels by path: the registry has others of these names."""

MAIN = ROOT / "libs/framework-m-core/src/framework_m_core/cli/main.py"
SQL = ("sqlalchemy", "greenlet", "asyncpg")
STANDARD = ("litestar", "uvicorn", "argon2", "jwt", "framework_m_standard", "framework_m")
TESTS = ("framework_m_testing", "pytest", "hypothesis")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Our wheels, built once."""
    return build_wheels(tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def environment(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Environment]:
    """Clean environments by name, each made once."""

    @cache
    def made(name: str) -> Environment:
        folder = tmp_path_factory.mktemp(name) / "venv"
        return make_environment(folder, [str(wheels[item]) for item in CONTENTS[name]])

    return made


type Environments = Callable[[str], Environment]


@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_installed_is_ours(environment: Environments, wheels: dict[str, Path], name: str) -> None:
    for distribution, found in environment(name).provenance(*CONTENTS[name]).items():
        assert found["version"] == VERSION
        assert found["url"] == wheels[distribution].as_uri()


def test_core_alone_imports_and_brings_no_vendor(environment: Environments) -> None:
    alone = environment("core")
    assert "site-packages" in alone.python("import framework_m_core as m; print(m.__file__)")
    unwanted = {*SQL, *STANDARD, *TESTS}
    assert alone.absent(*unwanted) == unwanted


@pytest.mark.skipif(not MAIN.exists(), reason="the CLI of core is not written yet")
def test_m_answers_on_core_alone(environment: Environments) -> None:
    done = environment("core").run("m", "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_standard_without_extras_imports_and_brings_no_store(environment: Environments) -> None:
    standard = environment("standard")
    standard.python("import framework_m, framework_m_standard")
    unwanted = {*SQL, *TESTS}
    assert standard.absent(*unwanted) == unwanted


def test_the_facade_ships_in_standard(environment: Environments) -> None:
    found = environment("whole").provenance("framework-m-standard", "framework-m")
    assert "framework_m/__init__.py" in found["framework-m-standard"]["modules"]
    assert found["framework-m"]["modules"] == []


def test_the_whole_brings_sql_and_no_test_tools(environment: Environments) -> None:
    whole = environment("whole")
    whole.python("import framework_m, sqlalchemy, greenlet")
    unwanted = {*TESTS, "asyncpg"}
    assert whole.absent(*unwanted) == unwanted


def test_testing_brings_core_and_no_adapter(environment: Environments) -> None:
    testing = environment("testing")
    testing.python("import framework_m_testing, pytest, hypothesis")
    unwanted = {*SQL, *STANDARD}
    assert testing.absent(*unwanted) == unwanted


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_wheels_carry_the_licence(environment: Environments, distribution: str) -> None:
    name = "testing" if distribution == "framework-m-testing" else "whole"
    script = "import sys, importlib.metadata as m\nprint(*[f.name for f in m.files(sys.argv[1])])"
    assert "LICENSE" in environment(name).python(script, distribution).split()
