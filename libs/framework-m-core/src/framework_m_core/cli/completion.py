"""`m completion`: commands and options at the Tab key, in bash, zsh and fish."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.completion import ShellDetectionError, detect_shell

from framework_m_core.cli.main import COMMANDS, at_hand, make_app
from framework_m_core.domain.errors import ConfigurationError, FrameworkError

__all__ = ["completion"]

type Shell = Literal["bash", "zsh", "fish"]


def completion(
    shell: Annotated[Shell | None, Parameter(help="Default: the shell that runs this.")] = None,
    /,
    *,
    install: Annotated[bool, Parameter(negative="", help="Keep the script where the shell looks for it.")] = False,
) -> None:
    """Print the script that completes `m` in a shell, or keep it there for good.

    It knows what is installed now: make it again after another package brought commands.

    For example:
      m completion --install
      source <(m completion bash)
      m completion fish | source
    """
    chosen = shell or _this_shell()
    app = _whole_app()
    if not install:
        print(app.generate_completion(shell=chosen))
        return
    try:
        place = app.install_completion(shell=chosen)
    except OSError as error:
        raise FrameworkError(f"{error.filename} cannot be written: {error.strerror}") from error
    print(f"{chosen} completes `m` by {place}: open a new terminal")


def _this_shell() -> Shell:
    try:
        found = detect_shell()
    except ShellDetectionError as error:
        raise FrameworkError("this shell is not one that is known: name it, such as m completion bash") from error
    if found == "powershell":
        raise FrameworkError("PowerShell is not known: expected bash, zsh or fish")
    return found


def _whole_app() -> App:
    """Every command with what others add to it; one that is broken is told of and left out."""
    whole = App(name="m")
    for choice in at_hand().choices(COMMANDS):
        try:
            whole.command(make_app(choice.name)[choice.name], name=choice.name)
        except ConfigurationError as error:
            print(f"m: left out: {error}", file=sys.stderr)
    return whole
