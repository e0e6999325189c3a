"""Adapters of others, written from writing-adapters.md alone: checked, and under their contracts, beside our wheels."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.isolation.environments import ROOT, Environment, build_app, make_environment

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("isolation")]

PACKAGES = ("acme-sqlite-cache",)
OURS = ("framework-m-core", "framework-m-standard", "framework-m-studio", "framework-m-testing")


@pytest.fixture(scope="module")
def environment(wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Our wheels, those of the packages, and nothing of the workspace."""
    folder = tmp_path_factory.mktemp("contracts-of-others")
    built = [str(build_app(ROOT / "tests/third_parties" / name, folder / name)) for name in PACKAGES]
    return make_environment(folder / "environment", [*(f"{name} @ {wheels[name].as_uri()}" for name in OURS), *built])


@pytest.mark.parametrize("package", PACKAGES)
def test_it_passes_the_check(environment: Environment, package: str) -> None:
    checked = environment.run("m", "adapter", "check", package)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("package", PACKAGES)
def test_it_keeps_its_contract(environment: Environment, package: str, tmp_path: Path) -> None:
    for name in ("pyproject.toml", "tests"):
        source = ROOT / "tests/third_parties" / package / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    done = environment.run("python", "-m", "pytest", "-q", "-W", "error", folder=tmp_path)
    assert done.returncode == 0, done.stdout
