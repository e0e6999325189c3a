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


@pytest.fixture
def environment() -> dict[str, str]:
    """Variables of a process that nothing is configured for."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("M_", "DATABASE_URL"))}


@pytest.fixture
def run_m(tmp_path: Path, environment: dict[str, str]) -> RunM:
    """Runs `m` with arguments in `tmp_path`."""

    def run(
        *arguments: str, typed: str = "", variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        everything = {**environment, "COLUMNS": "120", **(variables or {})}
        return run_forked(arguments, cwd=tmp_path, env=everything, stdin=typed)

    return run
