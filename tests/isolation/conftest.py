"""Clean environments, each made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.isolation.environments import Environment, build_wheels, collect_packages, make_environment

type Environments = Callable[[str], Environment]

CONTENTS = {
    "core": ("framework-m-core",),
    "standard": ("framework-m-core", "framework-m-standard"),
    "whole": ("framework-m-core", "framework-m-standard", "framework-m"),
    "testing": ("framework-m-core", "framework-m-testing"),
    "studio": ("framework-m-core", "framework-m-studio"),
    "client": ("framework-m-client",),
    "mongo": ("framework-m-core", "framework-m-standard", "framework-mx-mongo"),
    "whole with mongo": ("framework-m-core", "framework-m-standard", "framework-m", "framework-mx-mongo"),
    "developer": ("framework-m-core", "framework-m-standard", "framework-m", "framework-m-studio"),
}
"""Distributions that an environment gets, as wheels by path: the registry has others of these names."""


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Our wheels, built once."""
    return build_wheels(tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="session")
def packages(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `make packages` makes of our wheels."""
    folder = tmp_path_factory.mktemp("collected")
    collect_packages(next(iter(wheels.values())).parent, folder / "packages", pip=folder / "pip")
    return folder / "packages"


@pytest.fixture(scope="session")
def environment(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environments:
    """Clean environments by name, each made once."""

    @cache
    def made(name: str) -> Environment:
        folder = tmp_path_factory.mktemp(name) / "venv"
        return make_environment(folder, [str(wheels[item]) for item in CONTENTS[name]])

    return made
