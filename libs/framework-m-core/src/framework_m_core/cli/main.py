"""`m`: the command line. All commands, ours too, are entry points that are imported when called."""

from __future__ import annotations

import itertools
import os
import select
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.bootstrap.plugins.trusted_folders import TRUSTED, add_trusted, make_importable
from framework_m_core.cli.error_lines import commands_of, explain_unexpected, explain_usage
from framework_m_core.cli.tables import escape_controls
from framework_m_core.domain.context import CLI
from framework_m_core.domain.errors import ConfigurationError, FrameworkError
from framework_m_core.domain.log_context import LogContext, bind_log_context
from framework_m_core.domain.redaction import redact

__all__ = ["COMMANDS", "discover_here", "main", "make_app"]

COMMANDS = "framework_m.cli_commands"
_ABOUT = """Framework M: business applications from typed DocTypes.

For example:
  m start                     serve the app in this folder
  m user create ada@example.com --role Administrator
  m info --verbose            what is installed and bound, and why

Run any command with --debug to see where an error came from, and with --trust
to run the app in a folder of another user."""
_UNSUPPORTED = "m: expected Linux or macOS, got Windows: use the Windows Subsystem for Linux"
_EVERYWHERE = {"--debug", "--trust"}
_FAILED, _MISUSED, _INTERRUPTED, _BROKEN_PIPE = 1, 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0, 1 for a failure, 2 for an invalid command line or configuration."""
    if sys.platform == "win32":
        raise SystemExit(_UNSUPPORTED)
    given = list(sys.argv[1:] if arguments is None else arguments)
    ours = given[: given.index("--")] if "--" in given else given
    debug = "--debug" in ours
    if "--trust" in ours:
        os.environ[TRUSTED] = add_trusted(Path.cwd(), os.environ)  # the processes that a command starts read it, too
    try:
        code = _run([word for word in ours if word not in _EVERYWHERE] + given[len(ours) :])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _is_output_closed():
            code = _BROKEN_PIPE
        else:
            if debug:
                print(escape_controls(redact("".join(traceback.format_exception(error)))), file=sys.stderr, end="")
            code = _report_error(error, silent=debug)
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
    parent, group, path, discovered = app, COMMANDS, "m", discover_here()
    for word in (*words, ""):
        _register(parent, group, path, word, discovered)
        if word not in commands_of(parent):
            break
        parent, group, path = parent[word], f"{group}.{word}", f"{path} {word}"
    return app


def discover_here() -> Discovered:
    """Return what is installed, with the app in the working directory if it can be read.

    An app that cannot be read does not break `--help`: the commands that need it report the error.
    """
    try:
        return discovery.discover(Path.cwd())
    except ConfigurationError:
        return discovery.discover_installed()


def _register(parent: App, group: str, path: str, wanted: str, discovered: Discovered) -> None:
    bringing: dict[str, str] = dict.fromkeys(commands_of(parent), "framework-m-core")
    for choice in sorted(discovered.find_choices(group), key=lambda choice: choice.name):
        other = bringing.setdefault(choice.name, choice.distribution)
        if choice.name in commands_of(parent):
            both = f"{other} and {choice.distribution}"
            raise ConfigurationError(f"{both} both declare the command `{path} {choice.name}`: uninstall one")
        if choice.name == wanted:
            parent.command(_load(choice, path, discovered), name=choice.name)
        else:
            about = discovery.describe(choice, discovered.sources)
            parent.command(choice.value, name=choice.name, help=about)


def _load(choice: Choice, path: str, discovered: Discovered) -> Any:
    if choice in discovered.own:
        make_importable(discovered, os.environ)
    command = discovery.load(choice)
    if not callable(command):
        where = f"`{path} {choice.name}` of {choice.distribution}"
        raise ConfigurationError(f"{where}: expected a function or a cyclopts App, got {choice.value}")
    return command


def _run(given: Sequence[str]) -> int:
    arguments = _normalize(given)
    app = make_app(*itertools.takewhile(lambda word: not word.startswith("-"), arguments))
    command, _, _ = app.parse_commands(list(arguments))
    with bind_log_context(LogContext(source=CLI, command=" ".join(command))):
        result = app(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
    return result if isinstance(result, int) else 0


def _normalize(given: Sequence[str]) -> Sequence[str]:
    """Translate spellings of other tools, such as `m help new` and `m -v`."""
    if given[:1] == ["help"]:
        return [*given[1:], "--help"]
    return ["--version"] if given == ["-v"] else given


def _is_output_closed() -> bool:
    """Return whether nobody reads our output any longer, as behind `| head`, and drop the rest of it if so."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if not output.poll(0):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _report_error(error: Exception, *, silent: bool = False) -> int:
    """Print what went wrong to standard error, unless its traceback was, and return the exit code."""
    if isinstance(error, CycloptsError):
        line, code = explain_usage(error), _MISUSED
    elif isinstance(error, FrameworkError):
        line, code = str(error), _MISUSED if isinstance(error, ConfigurationError) else _FAILED
    else:
        line, code = explain_unexpected(error), _FAILED
    if not silent:
        print(escape_controls(f"m: {line}"), file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
