"""A Python prompt at which await works: lines are run in one event loop, which Ctrl-C does not end."""

from __future__ import annotations

import ast
import asyncio
import builtins
import inspect
import re
import sys
import traceback
import warnings
from code import InteractiveConsole
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import CodeType, FunctionType
from typing import Any

from framework_m_core.domain.errors import FrameworkError

__all__ = ["Outcome", "compiled", "executed", "prompt"]

type Outcome = BaseException | None
"""What code ended with: an error or its wish to leave, or nothing."""

_FILE = "<console>"
_FORGOTTEN = re.compile(r"coroutine '(?:\w+\.)*(\w+)' was never awaited")


def compiled(source: str) -> CodeType:
    """Code in which await stands outside of functions. Raises FrameworkError for what is not Python."""
    try:
        code: CodeType = compile(source, _FILE, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError) as error:
        raise FrameworkError(f"the code is not Python: {error}") from error
    return code


async def executed(code: CodeType, names: dict[str, Any], *, last: bool = False) -> Outcome:
    """Runs code over names. An error is returned: SystemExit, if raised here, would end the loop without a word.

    With `last` the names are gone afterwards. A call that was not awaited has done nothing, which is an error.
    """
    names.setdefault("__builtins__", builtins)
    with _noticing() as forgotten:
        try:
            result = FunctionType(code, names)()
            if code.co_flags & inspect.CO_COROUTINE:
                await result
        except (Exception, SystemExit) as error:
            return error
        finally:
            if last:
                names.clear()
    return _not_awaited(forgotten[0]) if forgotten else None


@contextmanager
def _noticing() -> Iterator[list[str]]:
    """Collects the names of coroutines that nobody awaited; other warnings are shown as always."""
    found: list[str] = []
    with warnings.catch_warnings(record=True) as told:
        warnings.filterwarnings("always", _FORGOTTEN.pattern, RuntimeWarning)
        yield found
    for warning in told:
        if match := _FORGOTTEN.match(str(warning.message)):
            found.append(match[1])
        else:
            warnings.showwarning(warning.message, warning.category, warning.filename, warning.lineno)


def _not_awaited(name: str) -> FrameworkError:
    return FrameworkError(f"{name}(…) has done nothing: put `await` before it")


def prompt(runner: asyncio.Runner, names: dict[str, Any], banner: str) -> None:
    """Asks for lines and runs them until the end of input or `exit()`."""
    with suppress(ImportError):  # not every system has it: lines are then typed without completion
        import readline
        from rlcompleter import Completer

        readline.set_completer(Completer(names).complete)
        readline.parse_and_bind("tab: complete")
    shown_before, sys.displayhook = sys.displayhook, _display
    with suppress(SystemExit):
        _Console(runner, names).interact(banner, exitmsg="")
    sys.displayhook = shown_before


def _display(value: object) -> None:
    """Shows what an expression came to."""
    if inspect.iscoroutine(value):
        value.close()
        print(_not_awaited(value.__name__), file=sys.stderr)
    else:
        sys.__displayhook__(value)


class _Console(InteractiveConsole):
    def __init__(self, runner: asyncio.Runner, names: dict[str, Any]) -> None:
        super().__init__(names, _FILE)
        self._runner = runner
        self._names = names
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    def runcode(self, code: CodeType) -> None:
        """Runs a statement to its end; Ctrl-C cancels it and asks for the next."""
        try:
            outcome = self._runner.run(executed(code, self._names))
        except KeyboardInterrupt:
            self.write("\ninterrupted\n")
            return
        if isinstance(outcome, SystemExit):
            raise outcome
        if outcome is not None:
            self.write(_told(outcome))


def _told(error: BaseException) -> str:
    if isinstance(error, FrameworkError):
        return f"{type(error).__name__}: {error}\n"
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != _FILE:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
