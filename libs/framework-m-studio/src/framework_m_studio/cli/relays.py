"""`m test`, `m lint`, `m format`, `m typecheck`: the tools of this environment, run over the app in this folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.trusted_folders import make_importable
from framework_m_core.domain.errors import FrameworkError
from framework_m_studio.cli.tool_defaults import PYTEST, RUFF

__all__ = ["Arguments", "format_code", "lint", "test", "typecheck"]

type Arguments = Annotated[str, Parameter(help="Arguments passed on unchanged.", allow_leading_hyphen=True, show=True)]

_KILLED: Final = 128
"""The number that shells add to a signal's number for the exit code of a process that it ended."""


def test(*arguments: Arguments) -> int:
    """Run the app's tests with pytest; the app need not be installed.

    From a folder within the app, all of its tests run unless a path is given.

    For example:
      m test
      m test -k task --exitfirst
      m test -- --help
    """
    app = discovery.discover(Path.cwd()).folder
    named = any(Path(word.partition("::")[0]).exists() for word in arguments)
    defaults = PYTEST.find_defaults(app or Path.cwd())
    return _relay("pytest", *defaults, *arguments, folder=None if named else app)


def lint(*arguments: Arguments) -> int:
    """Check the code with ruff.

    For example:
      m lint
      m lint --fix src
    """
    return _relay("ruff", "check", *RUFF.find_defaults(Path.cwd()), *arguments)


def format_code(*arguments: Arguments) -> int:
    """Format the code with ruff.

    For example:
      m format
      m format --check
    """
    return _relay("ruff", "format", *arguments)


def typecheck(*arguments: Arguments) -> int:
    """Check types with mypy, by default of everything in this folder.

    For example:
      m typecheck
      m typecheck src --pretty
    """
    return _relay("mypy", *(arguments or (".",)))


def _relay(tool: str, *arguments: str, folder: Path | None = None) -> int:
    """Run a tool in the terminal, in this folder by default, and return its exit code.

    The tool handles Ctrl-C.
    """
    command, environment = [_found(tool), *arguments], _with_sources()
    # not SIG_IGN, which the tool would inherit
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.Popen(command, env=environment, cwd=folder).wait()  # noqa: S603
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else _KILLED - code


def _found(tool: str) -> str:
    """Return the path of the tool beside this Python, else on the PATH. Raises FrameworkError if it is missing."""
    beside = str(Path(sys.executable).parent)
    program = shutil.which(tool, path=beside) or shutil.which(tool)
    if program is None:
        raise FrameworkError(f"{tool} is not installed: pip install {tool}, or install the app's dev dependencies")
    return program


def _with_sources() -> dict[str, str]:
    """Return the environment with the app's sources on PYTHONPATH. Raises ConfigurationError if it is not trusted."""
    discovered = make_importable(discovery.discover(Path.cwd()), os.environ)
    paths = [*map(str, discovered.sources), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})}
