"""`m test`, `m lint`, `m format`, `m typecheck`: the tools as they are, arguments and exit codes included."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.errors import assert_names

from .conftest import BIN, Run

SLOW = """
import time
from pathlib import Path

import pytest


@pytest.fixture
def thing():
    yield
    time.sleep(1)
    Path("put_away").touch()


def test_slow(thing):
    Path("begun").touch()
    time.sleep(30)
"""
COMMANDS = {"test": "pytest", "lint": "ruff", "format": "ruff", "typecheck": "mypy"}


@pytest.mark.slow
def test_a_new_app_passes_everything(run: Run, shop: Path) -> None:
    for command in (["test", "-q"], ["lint"], ["format", "--check"], ["typecheck"]):
        done = run("m", *command, folder=shop)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert not (shop / ".m").exists() or (shop / ".m/.gitignore").exists()


def test_an_apps_tests_need_none_of_its_secrets(run: Run, shop: Path) -> None:
    (shop / "framework_config.toml").write_text(
        '[framework]\nenv = "production"\n[auth]\nsecret = "${SHOP_SECRET}"\n[sql]\nurl = "${DATABASE_URL}"\n'
    )
    tested = run("m", "test", "-q", folder=shop, variables={"DATABASE_URL": "postgresql://nowhere/x", "M_AUTH__X": "1"})
    assert tested.returncode == 0, tested.stdout


def test_arguments_and_exit_codes_pass_through(run: Run, shop: Path) -> None:
    (shop / "src/shop/odd.py").write_text("import os\nx : int = 'a'\n")
    (shop / "tests/test_odd.py").write_text(
        "from shop import odd\n\n\ndef test_odd() -> None:\n    assert odd.x == 1\n"
    )
    tested = run("m", "test", "-q", "-p", "no:cacheprovider", "tests/test_odd.py", folder=shop)
    assert tested.returncode == 1
    assert "1 failed" in tested.stdout
    assert run("m", "test", "-k", "nothing_like_it", folder=shop).returncode == 5
    linted = run("m", "lint", "--output-format", "concise", folder=shop)
    assert linted.returncode == 1
    assert "src/shop/odd.py:1:8: F401" in linted.stdout
    assert run("m", "format", "--check", folder=shop).returncode == 1
    assert "Incompatible types in assignment" in run("m", "typecheck", "src", folder=shop).stdout
    assert run("m", "format", folder=shop).returncode == 0
    assert "x: int = " in (shop / "src/shop/odd.py").read_text()


def test_an_apps_tests_run_from_any_folder_of_it(run: Run, shop: Path) -> None:
    for folder, words in (
        (shop / "src/shop", ()),
        (shop / "tests", ("-k", "test")),
        (shop / "tests", ("test_task.py",)),
    ):
        tested = run("m", "test", "-q", *words, folder=folder)
        assert tested.returncode == 0, tested.stdout
        assert " passed" in tested.stdout, (folder, words)


PROJECT = '[project]\nname = "stall"\n[project.entry-points."framework_m.apps"]\nstall = "stall"\n'
STALL = """
from framework_m import DocType


class Fruit(DocType):
    class Meta:
        permissions = {"read": {"Clerk": "all"}}
"""


def test_an_app_of_two_files_needs_no_settings_for_the_tools(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "stall.py").write_text(STALL)
    (tmp_path / "test_stall.py").write_text("async def test_it() -> None:\n    assert True\n")
    tested, linted = run("m", "test", "-q", "-p", "no:cacheprovider"), run("m", "lint")
    assert (tested.returncode, tested.stderr) == (0, ""), tested.stdout
    assert linted.returncode == 0, linted.stdout
    (tmp_path / "pyproject.toml").write_text(PROJECT + '[tool.ruff.lint]\nselect = ["RUF012"]\n')
    assert "RUF012" in run("m", "lint").stdout


def test_words_after_two_dashes_are_the_tools(run: Run, shop: Path) -> None:
    assert "usage: pytest" in run("m", "test", "--", "--help", folder=shop).stdout
    assert "Usage: m test" in run("m", "test", "--help", folder=shop).stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_tool_that_is_missing_is_named(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(BIN / "python")
    script = "import sys; sys.executable = sys.argv.pop(1); from framework_m_core.cli.main import main; main()"
    done = run("python", "-c", script, str(tmp_path / "bin/python"), command, variables={"PATH": "/nowhere"})
    tool = COMMANDS[command]
    assert (done.returncode, done.stdout) == (1, "")
    [told] = done.stderr.splitlines()
    assert_names(told, "m", tool, f"pip install {tool}", "dev dependencies")


def test_who_is_killed_has_a_shells_exit_code(run: Run, shop: Path) -> None:
    (shop / "tests/test_odd.py").write_text("import os\n\n\ndef test_odd() -> None:\n    os.kill(os.getpid(), 9)\n")
    assert run("m", "test", "tests/test_odd.py", folder=shop).returncode == 128 + signal.SIGKILL


def test_an_interrupted_tool_puts_its_things_away(shop: Path) -> None:
    (shop / "tests/test_slow.py").write_text(SLOW)
    process = subprocess.Popen(
        [BIN / "m", "test", "-p", "no:cacheprovider", "tests/test_slow.py"], cwd=shop, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    end = time.monotonic() + 30
    while not (shop / "begun").exists():
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert (shop / "put_away").exists(), said
    assert process.returncode == 2
    assert "KeyboardInterrupt" in said
