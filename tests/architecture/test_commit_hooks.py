"""Hooks of commits fetch nothing, and run what CI runs: `make` targets, of which there is one list."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.source_tree import ROOT

CONFIG = ROOT / ".pre-commit-config.yaml"
TOOLS = (
    "ruff check",
    "ruff format --check",
    "mypy",
    "mypy $tests",
    "basedpyright",
    "lint-imports",
    "test_lock_files.py",
)


def check_hooks(config: Any) -> list[str]:
    """Hooks that are fetched from elsewhere, or that run something else than a target of make."""
    return [
        *(f"{repo['repo']}: is fetched" for repo in config["repos"] if repo["repo"] != "local"),
        *(
            f"{hook['id']}: {hook['entry']} is no target of make"
            for repo in config["repos"]
            for hook in repo["hooks"]
            if not _dry_run(hook.get("entry", ""))
        ),
    ]


def _dry_run(entry: str) -> str:
    """The commands of a call of make; empty where it is none."""
    program, *words = entry.split() or [""]
    if program != "make":
        return ""
    done = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def test_the_hooks_are_targets_of_make() -> None:
    assert check_hooks(yaml.safe_load(CONFIG.read_text())) == []


def test_pre_commit_understands_them() -> None:
    program = Path(sys.executable).with_name("pre-commit")
    done = subprocess.run([program, "validate-config", CONFIG], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("tool", TOOLS)
def test_lint_runs_every_tool(tool: str) -> None:
    hooks = [hook["entry"] for repo in yaml.safe_load(CONFIG.read_text())["repos"] for hook in repo["hooks"]]
    assert any(f"/{tool}" in _dry_run(entry) for entry in hooks)


def test_a_fetched_hook_and_a_command_of_its_own_fail() -> None:
    config = yaml.safe_load(
        "repos: [{repo: elsewhere, hooks: [{id: a, entry: make lint}, {id: b, entry: ruff check},"
        " {id: c, entry: make sense}]}]"
    )
    assert check_hooks(config) == [
        "elsewhere: is fetched",
        "b: ruff check is no target of make",
        "c: make sense is no target of make",
    ]
