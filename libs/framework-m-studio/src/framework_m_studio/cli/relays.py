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
from framework_m_core.domain.errors import FrameworkError
from framework_m_studio.cli.tool_defaults import PYTEST, RUFF

__all__ = ["format_code", "lint", "test", "typecheck"]

type Arguments = Annotated[str, Parameter(help="Handed on as they are.", allow_leading_hyphen=True, show=True)]

_KILLED: Final = 128
"""What shells add to a signal's number, as the exit code of who was ended by it."""


def test(*arguments: Arguments) -> int:
    """Run the app's tests by pytest, with the app importable though it may not be installed.

    From a folder within the app, all of its tests run unless a path is named.

    For example:
      m test
      m test -k task --exitfirst
      m test -- --help
    """
    app = discovery.discover(Path.cwd()).folder
    named = any(Path(word.partition("::")[0]).exists() for word in arguments)
    defaults = PYTEST.defaults(app or Path.cwd())
    return _relay("pytest", *defaults, *arguments, folder=None if named else app)


def lint(*arguments: Arguments) -> int:
    """Check the code by ruff.

    For example:
      m lint
      m lint --fix src
    """
    return _relay("ruff", "check", *RUFF.defaults(Path.cwd()), *arguments)


def format_code(*arguments: Arguments) -> int:
    """Format the code by ruff.

    For example:
      m format
      m format --check
    """
    return _relay("ruff", "format", *arguments)


def typecheck(*arguments: Arguments) -> int:
    """Check the types by mypy; without arguments, of everything in this folder.

    For example:
      m typecheck
      m typecheck src --pretty
    """
    return _relay("mypy", *(arguments or (".",)))


def _relay(tool: str, *arguments: str, folder: Path | None = None) -> int:
    """Runs a tool with the terminal as it is, here unless in another folder, and returns its exit code.

    What Ctrl-C does is the tool's affair.
    """
    command, environment = [_found(tool), *arguments], _with_sources()
    # Not SIG_IGN, which the tool would inherit.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.Popen(command, env=environment, cwd=folder).wait()  # noqa: S603
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else _KILLED - code


def _found(tool: str) -> str:
    """The tool beside this Python, else on the PATH. Raises FrameworkError: what to install."""
    beside = str(Path(sys.executable).parent)
    program = shutil.which(tool, path=beside) or shutil.which(tool)
    if program is None:
        raise FrameworkError(f"{tool} is not installed: pip install {tool}, or the app's dev dependencies, brings it")
    return program


def _with_sources() -> dict[str, str]:
    """The environment, with the app's sources where Python looks for modules."""
    folder = discovery.discover(Path.cwd()).folder
    sources = [str(place) for place in (folder / "src", folder) if place.is_dir()] if folder else []
    paths = [*sources, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})}
