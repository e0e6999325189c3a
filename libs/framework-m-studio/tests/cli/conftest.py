"""The real `m`, as a process in a folder of its own, and apps that it makes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.commands import run_m

BIN = Path(sys.executable).parent

type Run = Callable[..., subprocess.CompletedProcess[str]]


def run_in(
    folder: Path, *command: str, typed: str = "", variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a program of this environment in a folder, with nothing configured."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("M_", "DATABASE_URL"))}
    everything = {**inherited, "COLUMNS": "120", **(variables or {})}
    if command[0] == "m":
        return run_m(command[1:], cwd=folder, env=everything, stdin=typed, timeout=120)
    return subprocess.run(
        [BIN / command[0], *command[1:]], cwd=folder, env=everything, input=typed, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a program in a folder, `tmp_path` if none is given."""
    return lambda *command, folder=tmp_path, **options: run_in(folder, *command, **options)


@pytest.fixture(scope="session")
def _made_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    made = run_in(folder, "m", "new", "app", "shop")
    assert made.returncode == 0, made.stderr
    return folder / "shop"


@pytest.fixture
def shop(_made_shop: Path, tmp_path: Path) -> Path:
    """A new app called shop."""
    return Path(shutil.copytree(_made_shop, tmp_path / "shop"))


def is_one_line(refused: subprocess.CompletedProcess[str]) -> bool:
    """Whether a refusal is one readable line on standard error, and nothing else."""
    lines = refused.stderr.splitlines()
    return refused.stdout == "" and len(lines) == 1 and lines[0].startswith("m: ") and "Traceback" not in lines[0]
