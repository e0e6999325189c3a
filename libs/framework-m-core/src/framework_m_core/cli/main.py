"""`m`: the command line. All commands, ours too, are entry points that are imported when called."""

from __future__ import annotations

import itertools
import os
import select
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.cli.error_lines import commands_of, explain_unexpected, explain_usage
from framework_m_core.domain.errors import ConfigurationError, FrameworkError
from framework_m_core.domain.log_context import LogContext, bound_log_context

__all__ = ["COMMANDS", "at_hand", "main", "make_app"]

COMMANDS = "framework_m.cli_commands"
_ABOUT = """Framework M: business applications from typed DocTypes.

For example:
  m start                     serve the app in this folder
  m user create ada@example.com --role Administrator
  m info --verbose            what is installed and bound, and why

Run any command with --debug to see where an error came from."""
_NOT_HERE = "m: expected Linux or macOS, got Windows: use the Windows Subsystem for Linux"
_FAILED, _MISUSED, _INTERRUPTED, _CUT_OFF = 1, 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0, 1 for a failure, 2 for an invalid command line or configuration."""
    if sys.platform == "win32":
        raise SystemExit(_NOT_HERE)
    given = list(sys.argv[1:] if arguments is None else arguments)
    ours = given[: given.index("--")] if "--" in given else given
    debug = "--debug" in ours
    try:
        code = _run([word for word in ours if word != "--debug"] + given[len(ours) :])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            code = _CUT_OFF
        elif debug:
            raise
        else:
            code = _complain(error)
    raise SystemExit(code)


def make_app(*words: str) -> App:
    """Return the command line with every installed command.

    Only the command that `words` name is imported, with what other distributions add to it in the group
    `framework_m.cli_commands.<command>`. Raises ConfigurationError if two distributions declare one name, or, naming
    the distribution, if the command cannot be imported.
    """
    app = App(
        name="m",
        help=_ABOUT,
        help_format="plaintext",
        version=lambda: version("framework-m-core"),
    )
    parent, group, path, discovered = app, COMMANDS, "m", at_hand()
    for word in (*words, ""):
        _register(parent, discovered.choices(group), path, word)
        if word not in commands_of(parent):
            break
        parent, group, path = parent[word], f"{group}.{word}", f"{path} {word}"
    return app


def at_hand() -> Discovered:
    """Return what is installed, with the app in the working directory if it can be read.

    An app that cannot be read does not break `--help`: the commands that need it report the error.
    """
    try:
        return discovery.discover(Path.cwd())
    except ConfigurationError:
        return discovery.installed()


def _register(parent: App, choices: Sequence[Choice], path: str, wanted: str) -> None:
    bringing: dict[str, str] = dict.fromkeys(commands_of(parent), "framework-m-core")
    for choice in sorted(choices, key=lambda choice: choice.name):
        other = bringing.setdefault(choice.name, choice.distribution)
        if choice.name in commands_of(parent):
            both = f"{other} and {choice.distribution}"
            raise ConfigurationError(f"{both} both declare the command `{path} {choice.name}`: uninstall one")
        if choice.name == wanted:
            parent.command(_loaded(choice, path), name=choice.name)
        else:
            parent.command(choice.value, name=choice.name, help=discovery.describe(choice))


def _loaded(choice: Choice, path: str) -> Any:
    command = discovery.load(choice)
    if not callable(command):
        where = f"`{path} {choice.name}` of {choice.distribution}"
        raise ConfigurationError(f"{where}: expected a function or a cyclopts App, got {choice.value}")
    return command


def _run(given: Sequence[str]) -> int:
    arguments = _usual(given)
    app = make_app(*itertools.takewhile(lambda word: not word.startswith("-"), arguments))
    command, _, _ = app.parse_commands(list(arguments))
    with bound_log_context(LogContext(source="cli", command=" ".join(command))):
        result = app(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
    return result if isinstance(result, int) else 0


def _usual(given: Sequence[str]) -> Sequence[str]:
    """Translate spellings of other tools, such as `m help new` and `m -v`."""
    if given[:1] == ["help"]:
        return [*given[1:], "--help"]
    return ["--version"] if given == ["-v"] else given


def _nobody_reads() -> bool:
    """Return whether nobody reads our output any longer, as behind `| head`, and drop the rest of it if so."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if not output.poll(0):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _complain(error: Exception) -> int:
    """Print what went wrong to standard error and return the exit code."""
    if isinstance(error, CycloptsError):
        line, code = explain_usage(error), _MISUSED
    elif isinstance(error, FrameworkError):
        line, code = str(error), _MISUSED if isinstance(error, ConfigurationError) else _FAILED
    else:
        line, code = explain_unexpected(error), _FAILED
    print(f"m: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
