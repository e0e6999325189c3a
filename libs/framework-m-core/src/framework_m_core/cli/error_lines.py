"""Error messages for the terminal: what was wrong, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from cyclopts import App, CycloptsError, MissingArgumentError, UnknownCommandError, UnusedCliTokensError

__all__ = ["commands_of", "explain_unexpected", "explain_usage"]

_BROUGHT_BY = {
    "m config set": "framework-m-studio",
    "m format": "framework-m-studio",
    "m lint": "framework-m-studio",
    "m migrate": "framework-m",
    "m new": "framework-m-studio",
    "m prod": "framework-m",
    "m routes": "framework-m",
    "m start": "framework-m",
    "m test": "framework-m-studio",
    "m typecheck": "framework-m-studio",
    "m user": "framework-m",
}
"""Commands of our other distributions, which may not be installed."""

_ELSEWHERE = {
    "m createsuperuser": "m user create",
    "m dev": "m start",
    "m makemigrations": "m migrate create",
    "m run": "m start",
    "m runserver": "m start",
    "m serve": "m start",
    "m server": "m start",
    "m shell": "m console",
    "m startapp": "m new app",
    "m up": "m start",
}
"""Our commands by the names that other frameworks use."""

_OPTIONS = ("--debug", "--help", "--version")
"""Options of every command."""


def explain_unexpected(error: Exception) -> str:
    """Return the message of an unexpected error, without its traceback."""
    line = " ".join(str(error).split()) or "no message"
    return f"unexpected {type(error).__name__}: {line} (run the command again with --debug to see where)"


def explain_usage(error: CycloptsError) -> str:
    """Return the message of an error in a command line."""
    words = " ".join(["m", *(error.command_chain or ())])
    help_line = f"see `{words} --help`"
    if isinstance(error, UnknownCommandError) and error.unused_tokens:
        known = commands_of(error.app) if error.app else ()
        return f"{_unknown_command(words, error.unused_tokens[0], known)}; {help_line}"
    if isinstance(error, UnusedCliTokensError):
        unused = list(error.unused_tokens or ())
        near = _near(words, unused[0], commands_of(error.app)) if unused and error.app else ""
        return f"`{words}`: unexpected {' '.join(unused)}{near}; {help_line}"
    if isinstance(error, MissingArgumentError) and error.argument and not error.argument.name.startswith("-"):
        name = error.argument.name
        return f"expected `{words} {name.upper()} …`, got no {name.lower()}; {help_line}"
    error.verbose = False
    return f"{' '.join(str(error).split()).rstrip('.')}; {help_line}"


def _unknown_command(words: str, given: str, known: Sequence[str]) -> str:
    text = f"there is no command `{words} {given}`"
    if brings := _BROUGHT_BY.get(f"{words} {given}"):
        return f"{text} here: install it with pip install {brings}"
    if meant := _ELSEWHERE.get(f"{words} {given}"):
        return f"{text}: did you mean `{meant}`?"
    if given.startswith("-"):
        return f"there is no option `{words} {given}`{_near(words, given, _OPTIONS)}"
    return f"{text}{_near(words, given, known) or (f': expected one of {", ".join(known)}' if known else '')}"


def _near(words: str, given: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(given, known, n=1)
    return f": did you mean `{words} {near[0]}`?" if near else ""


def commands_of(app: App) -> Sequence[str]:
    """Return the names of an app's commands."""
    flags: Collection[str] = {*app.help_flags, *app.version_flags}
    return sorted(name for name in app if name not in flags)
