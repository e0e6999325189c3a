"""Errors as a person at a terminal reads them: what was wrong, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from cyclopts import CycloptsError, UnknownCommandError, UnusedCliTokensError

from framework_m_core.domain.errors import FrameworkError, ValidationError

__all__ = ["explain_failure", "explain_unexpected", "explain_usage"]

_BROUGHT_BY = {
    "new": "framework-m-studio",
    "studio": "framework-m-studio",
    "start": "framework-m",
    "prod": "framework-m",
    "user": "framework-m",
    "migrate": "framework-m",
}
"""Commands of our other distributions, for who has not installed them."""


def explain_failure(error: FrameworkError) -> str:
    """What the error says, and for each field that was wrong what was expected of it."""
    if not isinstance(error, ValidationError):
        return str(error)
    said = [f"{problem.field}: {problem.message}" for problem in error.problems if problem.message != str(error)]
    return "; ".join([str(error), *said])


def explain_unexpected(error: Exception) -> str:
    """An error that nobody foresaw, without its trace."""
    line = " ".join(str(error).split()) or "no message"
    return f"unexpected {type(error).__name__}: {line} (run the command again with --debug to see where)"


def explain_usage(error: CycloptsError) -> str:
    """A command line that could not be understood."""
    words = " ".join(["m", *(error.command_chain or ())])
    help_line = f"see `{words} --help`"
    if isinstance(error, UnknownCommandError) and error.unused_tokens:
        return f"{_unknown_command(words, error.unused_tokens[0], _commands(error))}; {help_line}"
    if isinstance(error, UnusedCliTokensError):
        return f"`{words}` does not know what to do with {' '.join(error.unused_tokens or ())}; {help_line}"
    error.verbose = False
    return f"{' '.join(str(error).split()).rstrip('.')}; {help_line}"


def _unknown_command(words: str, given: str, known: Sequence[str]) -> str:
    text = f"there is no command `{words} {given}`"
    if words == "m" and given in _BROUGHT_BY:
        return f"{text} here: pip install {_BROUGHT_BY[given]} brings it"
    near = difflib.get_close_matches(given, known, n=1)
    if near:
        return f"{text}: did you mean `{words} {near[0]}`?"
    return f"{text}: there are {', '.join(known)}" if known else text


def _commands(error: CycloptsError) -> Sequence[str]:
    if error.app is None:
        return ()
    flags: Collection[str] = {*error.app.help_flags, *error.app.version_flags}
    return sorted(name for name in error.app if name not in flags)
