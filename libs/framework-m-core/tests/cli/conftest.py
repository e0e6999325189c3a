"""The real `m`, as a process in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.commands import run_m as run_forked

M = Path(sys.executable).with_name("m")

type RunM = Callable[..., subprocess.CompletedProcess[str]]
type Install = Callable[..., None]


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A folder of installed distributions, in front of the environment's own."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    return folder


@pytest.fixture
def run_m(tmp_path: Path, plugins: Path) -> RunM:
    """Runs `m` with arguments; its folder is `tmp_path / "app"`."""
    folder = tmp_path / "app"
    folder.mkdir()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("M_", "DATABASE_URL"))}

    def run(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        variables = {**inherited, "PYTHONPATH": str(plugins), "COLUMNS": "120", **(environment or {})}
        return run_forked(arguments, cwd=folder, env=variables)

    return run


@pytest.fixture
def install(plugins: Path) -> Install:
    """Installs a distribution of one module that brings commands."""

    def installed(name: str, source: str, *, group: str = "framework_m.cli_commands", **commands: str) -> None:
        (plugins / f"{name}.py").write_text(source)
        info = plugins / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{command} = {name}:{attribute}" for command, attribute in commands.items()]
        (info / "entry_points.txt").write_text(f"[{group}]\n" + "\n".join(lines) + "\n")

    return installed
