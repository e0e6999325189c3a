"""What stands in somebody else's folder is not run: not by help, and not by commands either unless it is trusted."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from framework_m_core.bootstrap.plugins import importable_files
from framework_m_core.bootstrap.plugins.trusted_folders import check_owner
from framework_m_core.domain.errors import ConfigurationError
from tests.errors import assert_names

from .conftest import RunM

NOBODY = 65534
PROJECT = """
[project]
name = "trap"
[project.entry-points."framework_m.apps"]
trap = "trap"
[project.entry-points."framework_m.cli_commands"]
spring = "trap.commands:spring"
"""
SPRING = '''"""Spring the trap."""
from pathlib import Path
Path("sprung").touch()
def spring() -> None:
    """Spring the trap by hand."""
'''

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")


@pytest.fixture
def trap(tmp_path: Path, run_m: RunM) -> Path:
    """A folder whose app leaves a file behind as soon as any of its code runs."""
    folder = tmp_path / "app"
    (folder / "src/trap").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    for module in ("src/trap/__init__.py", "src/trap/commands.py", "src/asyncio.py", "platform.py"):
        (folder / module).write_text(SPRING)
    return folder


def give(folder: Path, user: int = NOBODY) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, -1)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], [], ["help", "info"], ["info", "--help"], ["config", "--help"]], ids=str
)
@pytest.mark.parametrize("owner", [0, NOBODY])
def test_help_and_version_run_nothing_of_a_folder(trap: Path, run_m: RunM, arguments: list[str], owner: int) -> None:
    give(trap, owner)
    shown = run_m(*arguments)
    assert (shown.returncode, (trap / "sprung").exists()) == (0, False)


def test_help_tells_of_an_apps_command_without_its_code(trap: Path, run_m: RunM) -> None:
    assert "Spring the trap by hand" in run_m("--help").stdout
    assert not (trap / "sprung").exists()


@pytest.mark.parametrize("arguments", [["spring"], ["spring", "--help"], ["config", "show"], ["info"]], ids=str)
def test_a_folder_of_another_owner_is_refused(trap: Path, run_m: RunM, arguments: list[str]) -> None:
    give(trap)
    refused = run_m(*arguments)
    assert (refused.returncode, (trap / "sprung").exists()) == (2, False)
    assert_names(refused.stderr, "another user", f"M_TRUSTED_FOLDERS={trap}")


@pytest.mark.parametrize(
    ("arguments", "trusted"),
    [
        (["--trust", "spring"], None),
        (["spring", "--trust"], None),
        (["spring"], "/nowhere:{trap}"),
        (["spring"], "{trap.parent}"),
    ],
)
def test_a_trusted_folder_runs(trap: Path, run_m: RunM, arguments: list[str], trusted: str | None) -> None:
    (trap / "src/asyncio.py").unlink()  # in the way of what a command really imports
    give(trap)
    done = run_m(*arguments, environment={"M_TRUSTED_FOLDERS": trusted.format(trap=trap)} if trusted else {})
    assert (done.returncode, done.stderr) == (0, "")
    assert (trap / "sprung").exists()


@pytest.mark.parametrize("path", ["", "pyproject.toml", "src", "src/trap", "src/trap/commands.py"])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_what_others_may_write_is_refused_though_trusted(trap: Path, run_m: RunM, path: str, mode: int) -> None:
    give(trap)
    (trap / path).chmod((trap / path).stat().st_mode | mode)
    refused = run_m("spring", "--trust")
    assert (refused.returncode, (trap / "sprung").exists()) == (2, False)
    assert "chmod -R go-w" in refused.stderr


@pytest.mark.parametrize("path", ["pyproject.toml", "src", "src/trap", "src/trap/commands.py"])
def test_one_file_of_another_owner_is_enough(trap: Path, run_m: RunM, path: str) -> None:
    os.chown(trap / path, NOBODY, -1)
    assert run_m("spring").returncode == 2
    assert not (trap / "sprung").exists()


SPRUNG = "from pathlib import Path\nPath('sprung').touch()\n"


@pytest.mark.parametrize(
    "path",
    ["src/sqlalchemy.py", "src/trap/lone.pyc", "src/trap/__pycache__/commands.{tag}.pyc", "orjson/__init__.py",
     "src/trap/deep/__init__.py", "migrations/versions/0001_first.py", "migrations/patches/0001_fill.py",
     "fast.abi3.so"],
)  # fmt: skip
def test_whatever_may_be_imported_is_looked_at(trap: Path, run_m: RunM, path: str) -> None:
    file = trap / path.format(tag=sys.implementation.cache_tag)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SPRUNG)
    os.chown(file, NOBODY, -1)
    refused = run_m("spring")
    assert (refused.returncode, (trap / "sprung").exists()) == (2, False)
    assert_names(refused.stderr, str(file), "another user")


def test_a_package_behind_a_link_is_looked_at(trap: Path, run_m: RunM, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/__init__.py").write_text(SPRUNG)
    give(tmp_path / "elsewhere")
    (trap / "src/trap/linked").symlink_to(tmp_path / "elsewhere")
    (trap / "src/trap/around").symlink_to(trap)
    assert (run_m("spring").returncode, (trap / "sprung").exists()) == (2, False)


def test_what_no_import_finds_may_be_of_others(trap: Path, run_m: RunM) -> None:
    (trap / "src/asyncio.py").unlink()
    for path in (".venv/bad.py", "venv/lib/bad.py", "node_modules/bad.py", "up-loads/bad.py", "uploads/photo.jpg"):
        (trap / path).parent.mkdir(parents=True, exist_ok=True)
        (trap / path).touch()
        os.chown((trap / path), NOBODY, -1)
        os.chown((trap / path).parent, NOBODY, -1)
    (trap / "venv/pyvenv.cfg").touch()
    assert run_m("spring").returncode == 0


@pytest.mark.parametrize("path", ["", "src", "src/trap/commands.py"])
def test_what_everybody_may_write_is_no_longer_ones_own(trap: Path, run_m: RunM, path: str) -> None:
    (trap / "src/asyncio.py").unlink()
    (trap / path).chmod(0o777)
    refused = run_m("spring")
    assert (refused.returncode, (trap / "sprung").exists()) == (2, False)
    assert "chmod -R go-w" in refused.stderr
    assert run_m("spring", "--trust").returncode == 0


def test_what_is_roots_is_as_good_as_ones_own() -> None:
    os.seteuid(NOBODY)
    try:
        check_owner([Path("/etc/passwd")], {})
    finally:
        os.seteuid(0)


def test_a_look_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importable_files, "_MAX_ENTRIES", 3)
    for number in range(4):
        (tmp_path / f"data{number}").touch()
    with pytest.raises(ConfigurationError) as refused:
        list(importable_files.find_importable_files(tmp_path))
    assert_names(refused.value, "3 files", str(tmp_path))


def test_a_configuration_of_another_owner_is_refused(tmp_path: Path, run_m: RunM) -> None:
    file = tmp_path / "framework_config.toml"
    file.write_text("[framework]\napps = []\n")
    os.chown(file, NOBODY, -1)
    refused = run_m("config", "show")
    assert (refused.returncode, "--trust" in refused.stderr) == (2, True)
    assert run_m("config", "show", "--trust").returncode == 0
