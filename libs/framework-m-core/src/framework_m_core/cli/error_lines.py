"""Error messages for the terminal: what was wrong, and what to do next."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cyclopts import App, Argument, CycloptsError, MissingArgumentError, UnknownCommandError, UnusedCliTokensError

from framework_m_core.domain.redaction import redact
from framework_m_core.domain.suggestions import find_similar

__all__ = ["commands_of", "explain_unexpected", "explain_usage"]

_DISTRIBUTIONS = {
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
    "m worker": "framework-m",
}
"""Commands of our other distributions, which may not be installed."""

_OTHER_NAMES = {
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

_OPTIONS = ("--debug", "--help", "--trust", "--version")
"""Options of every command."""


def explain_unexpected(error: Exception) -> str:
    """Return the message of an unexpected error, without its traceback and without secrets."""
    line = " ".join(redact(str(error)).split()) or "no message"
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
        near = _similar(words, unused[0], commands_of(error.app)) if unused and error.app else ""
        return f"`{words}`: unexpected {' '.join(unused)}{near}; {help_line}"
    if isinstance(error, MissingArgumentError) and error.argument:
        return f"{_missing(words, error.argument)}; {help_line}"
    error.verbose = False
    return f"{' '.join(str(error).split()).rstrip('.')}; {help_line}"


def _missing(words: str, argument: Argument) -> str:
    name = argument.name
    if not name.startswith("-"):
        return f"expected `{words} {name.upper()} …`, got no {name.lower()}"
    about = (argument.parameter.help or "").rstrip(".")
    value = name.lstrip("-").replace("-", "_").upper()
    return f"expected `{words} … {name} {value}`, got no {value}{about and f' ({about[0].lower()}{about[1:]})'}"


def _unknown_command(words: str, given: str, known: Sequence[str]) -> str:
    text = f"there is no command `{words} {given}`"
    if distribution := _DISTRIBUTIONS.get(f"{words} {given}"):
        return f"{text} here: install it with pip install {distribution}"
    if meant := _OTHER_NAMES.get(f"{words} {given}"):
        return f"{text}: did you mean `{meant}`?"
    if given.startswith("-"):
        return f"there is no option `{words} {given}`{_similar(words, given, _OPTIONS)}"
    return f"{text}{_similar(words, given, known) or (f': expected one of {", ".join(known)}' if known else '')}"


def _similar(words: str, given: str, known: Sequence[str]) -> str:
    near = find_similar(given, known)
    return f": did you mean `{words} {near}`?" if near else ""


def commands_of(app: App) -> Sequence[str]:
    """Return the names of an app's commands."""
    flags: Collection[str] = {*app.help_flags, *app.version_flags}
    return sorted(name for name in app if name not in flags)
