"""`m`: the command line. Commands are entry points and are imported when they are called, ours like others'."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from cyclopts import App, CycloptsError

from framework_m_core.bootstrap import discovery
from framework_m_core.bootstrap.discovery import Choice, Discovered
from framework_m_core.cli.error_lines import explain_failure, explain_unexpected, explain_usage
from framework_m_core.domain.errors import ConfigurationError, FrameworkError

__all__ = ["main", "make_app"]

COMMANDS = "framework_m.cli_commands"
_ABOUT = """Framework M: business applications from typed DocTypes.

For example:
  m start                     serve the app in this folder
  m user create ada@example.com --role Administrator
  m info --verbose            what is installed and bound, and why

With --debug, any command shows where an error came from."""
_FAILED, _MISUSED, _INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and ends the process: 0, or 1 for a failure, 2 for a wrong command line or configuration."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        code = _run([word for word in given if word != "--debug"])
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except Exception as error:
        if debug:
            raise
        code = _complain(error)
    raise SystemExit(code)


def make_app() -> App:
    """The command line with every installed command. Raises ConfigurationError when two want one name."""
    app = App(
        name="m",
        help=_ABOUT,
        help_format="plaintext",
        version=lambda: version("framework-m-core"),
    )
    seen: dict[str, Choice] = {}
    for choice in sorted(_at_hand().choices(COMMANDS), key=lambda choice: choice.name):
        other = seen.setdefault(choice.name, choice)
        if other is not choice:
            both = f"{other.distribution} and {choice.distribution}"
            raise ConfigurationError(f"{both} both bring the command `m {choice.name}`: uninstall one")
        app.command(choice.value, name=choice.name, help=discovery.describe(choice))
    return app


def _at_hand() -> Discovered:
    """A folder whose app cannot be read keeps nobody from the help: what needs the app tells of it."""
    try:
        return discovery.discover(Path.cwd())
    except ConfigurationError:
        return discovery.installed()


def _run(arguments: Sequence[str]) -> int:
    result = make_app()(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
    return result if isinstance(result, int) else 0


def _complain(error: Exception) -> int:
    """Says what went wrong on standard error and returns the exit code."""
    if isinstance(error, CycloptsError):
        line, code = explain_usage(error), _MISUSED
    elif isinstance(error, FrameworkError):
        line, code = explain_failure(error), _MISUSED if isinstance(error, ConfigurationError) else _FAILED
    else:
        line, code = explain_unexpected(error), _FAILED
    print(f"m: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
