"""What commands log: with the command's name, and only by what is loaded when a command opens the app."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = '[project]\nname = "tiny"\nversion = "1"\n[project.entry-points."framework_m.apps"]\ntiny = "tiny"\n'
APP = """import logging

from framework_m import DocType

class Thing(DocType):
    text: str = ""

logging.getLogger("acme").warning("imported by a command, password=hunter2")
"""


INFORMING = """
log = logging.getLogger(__name__)
log.info("own")
log.debug("detail")
logging.getLogger("tiny.inner").info("inner")
logging.getLogger("tinytool").info("other's")
logging.getLogger("acme").info("library's")
"""


def _m(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "src" / "tiny").mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "src" / "tiny" / "__init__.py").write_text(APP + INFORMING)
    command = [sys.executable, "-m", "framework_m_core.cli.main", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, input="correct horse battery", capture_output=True,
        text=True, check=True, timeout=60,
    )  # fmt: skip


def test_records_of_a_command_name_it_and_not_its_arguments(tmp_path: Path) -> None:
    done = _m(tmp_path, "user", "create", "ada@example.com", "--password-stdin")
    line, *_ = done.stderr.splitlines()
    assert line.endswith("[warning] imported by a command, password=*** [acme] command='user create' source=cli")


def test_the_format_is_a_setting(tmp_path: Path) -> None:
    done = _m(tmp_path, "user", "list", M_LOGS__FORMAT="json")
    [line] = [line for line in done.stderr.splitlines() if "imported" in line]
    logged = json.loads(line)
    assert (logged["command"], logged["message"].rpartition(", ")[2]) == ("user list", "password=***")


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({}, ["acme", "tiny", "tiny.inner"]),
        ({"M_LOGS__LEVEL": "auto"}, ["acme", "tiny", "tiny.inner"]),
        ({"M_LOGS__LEVEL": "info"}, ["acme", "tiny", "tiny.inner", "tinytool", "acme"]),
        ({"M_LOGS__LEVEL": "warning"}, ["acme"]),
        ({"M_LOGS__LEVEL": "error"}, []),
    ],
)
def test_the_level_is_a_setting(tmp_path: Path, environment: dict[str, str], shown: list[str]) -> None:
    """By default the app's own records are shown from `info`, others' from `warning`."""
    lines = _m(tmp_path, "user", "list", M_LOGS__FORMAT="json", **environment).stderr.splitlines()
    loggers = [json.loads(line)["logger"] for line in lines]
    assert [name for name in loggers if name.startswith(("acme", "tiny"))] == shown


def test_production_shows_warnings(tmp_path: Path) -> None:
    script = (
        "import logging; from pathlib import Path;"
        "from framework_m_core.bootstrap.settings.sources import load_settings;"
        "from framework_m_standard.logs.configuration import configure_logs;"
        "configure_logs(load_settings(Path.cwd(), secrets=False));"
        "print(logging.getLogger('tiny').isEnabledFor(logging.INFO))"
    )
    _m(tmp_path, "user", "list")
    for env, shown in (("production", "False"), ("development", "True")):
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "M_FRAMEWORK__ENV": env},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert done.stdout.strip() == shown, env
