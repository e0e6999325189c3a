"""What commands log: with the command's name, and only by what is loaded when a command opens the app."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = '[project]\nname = "tiny"\nversion = "1"\n[project.entry-points."framework_m.apps"]\ntiny = "tiny"\n'
APP = """import logging

from framework_m import DocType

class Thing(DocType):
    text: str = ""

logging.getLogger("acme").warning("imported by a command, password=hunter2")
"""


def _m(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "src" / "tiny").mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "src" / "tiny" / "__init__.py").write_text(APP)
    command = [sys.executable, "-m", "framework_m_core.cli.main", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, input="correct horse battery", capture_output=True,
        text=True, check=True, timeout=60,
    )  # fmt: skip


def test_records_of_a_command_name_it_and_not_its_arguments(tmp_path: Path) -> None:
    done = _m(tmp_path, "user", "create", "ada@example.com", "--password-stdin")
    (line,) = done.stderr.splitlines()
    assert line.endswith("[warning] imported by a command, password=*** [acme] command='user create' source=cli")


def test_the_format_is_a_setting(tmp_path: Path) -> None:
    done = _m(tmp_path, "user", "list", M_LOGS__FORMAT="json")
    assert '"command": "user list"' in done.stderr and '"message": "imported by a command, password=***"' in done.stderr


def test_the_level_is_a_setting(tmp_path: Path) -> None:
    assert _m(tmp_path, "user", "list", M_LOGS__LEVEL="error").stderr == ""
