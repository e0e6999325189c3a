"""`m completion`: Tab completion of commands and options in bash, zsh and fish."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.completion import ShellDetectionError, detect_shell

from framework_m_core.cli.main import COMMANDS, discover_here, make_app
from framework_m_core.domain.errors import ConfigurationError, FrameworkError

__all__ = ["Shell", "completion"]

type Shell = Literal["bash", "zsh", "fish"]


def completion(
    shell: Annotated[Shell | None, Parameter(help="Default: the current shell.")] = None,
    /,
    *,
    install: Annotated[bool, Parameter(negative="", help="Install the script where the shell finds it.")] = False,
) -> None:
    """Print the completion script of `m` for a shell, or install it.

    The script lists the commands that are installed now: generate it again after installing a package with commands.

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
        raise FrameworkError(f"could not write {error.filename}: {error.strerror}") from error
    print(f"completion for {chosen} installed in {place}: open a new terminal")


def _this_shell() -> Shell:
    try:
        found = detect_shell()
    except ShellDetectionError as error:
        raise FrameworkError("could not detect the shell: name it, as in `m completion bash`") from error
    if found == "powershell":
        raise FrameworkError("expected bash, zsh or fish, got PowerShell")
    return found


def _whole_app() -> App:
    """Return the app with every command; print a warning for one that cannot be loaded, and skip it."""
    whole = App(name="m")
    for choice in discover_here().find_choices(COMMANDS):
        try:
            whole.command(make_app(choice.name)[choice.name], name=choice.name)
        except ConfigurationError as error:
            print(f"m: skipped: {error}", file=sys.stderr)
    return whole
