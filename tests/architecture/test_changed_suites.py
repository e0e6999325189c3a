"""`make test-quick` runs the suites that a change touches."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scripts.changed_suites import ALWAYS, suites_of
from tests.architecture.source_tree import ROOT
from tests.errors import assert_names


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("libs/framework-m-core/src/framework_m_core/spi.py", "libs/framework-m-core/tests"),
        ("libs/framework-m-core/tests/cli/test_main.py", "libs/framework-m-core/tests"),
        ("examples/crm/src/crm/demo.py", "examples/crm/tests"),
        ("benchmarks/micro/steps.py", "tests/benchmarks"),
        ("docs/user/cli.md", "tests/journeys/docs"),
        ("README.md", "tests/journeys/docs"),
        ("tests/upgrade/test_page.py", "tests/upgrade/test_page.py"),
        ("tests/journeys/conftest.py", "tests/journeys"),
        ("tests/journeys/security/responses.py", "tests/journeys/security"),
        ("pyproject.toml", None),
    ],
)
def test_a_changed_file_has_a_suite(changed: str, expected: str | None) -> None:
    assert suites_of([changed]) == sorted({ALWAYS, expected or ALWAYS})


def test_a_suite_is_run_once() -> None:
    changed = ["tests/journeys/conftest.py", "docs/user/cli.md", "tests/journeys/test_invoice.py"]
    assert suites_of(changed) == [ALWAYS, "tests/journeys"]
    assert suites_of([*changed, "tests/servers.py"]) == ["tests"]


@pytest.mark.parametrize(
    ("target", "chosen"),
    [("test", "-m 'not slow'"), ("test-all", "tests"), ("test-quick", "scripts/changed_suites.py")],
)
def test_make_says_what_each_target_runs(target: str, chosen: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True)
    [run] = [line for line in done.stdout.splitlines() if "pytest -n" in line]
    assert chosen in run
    assert ("not slow" in run) is (target != "test-all")


def test_an_unknown_branch_runs_nothing() -> None:
    done = subprocess.run(["make", "test-quick", "BASE=no-such"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert_names(done.stderr, "set BASE", "branch")
    assert " passed" not in done.stdout


def test_unchanged_work_runs_the_architecture_alone() -> None:
    command = [sys.executable, "scripts/changed_suites.py", "HEAD"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert ALWAYS in printed
    assert all((ROOT / suite).exists() for suite in printed)
