"""A Python prompt where await works: lines run in one event loop, which Ctrl-C does not stop."""

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

__all__ = ["Failure", "compile_code", "execute", "prompt"]

type Failure = BaseException | None
"""How code ended: an error, SystemExit, or None."""

_FILE = "<console>"
_UNAWAITED = re.compile(r"coroutine '(?:\w+\.)*(\w+)' was never awaited")


def compile_code(source: str) -> CodeType:
    """Compile code that may use await outside functions. Raises FrameworkError for invalid syntax."""
    try:
        code: CodeType = compile(source, _FILE, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError) as error:
        raise FrameworkError(f"expected valid Python: {error}") from error
    return code


async def execute(code: CodeType, names: dict[str, Any], *, last: bool = False) -> Failure:
    """Run code with these names and return its error, since SystemExit raised here would silently stop the loop.

    `last` clears the names afterwards. A coroutine that was not awaited is an error, since it has done nothing.
    """
    names.setdefault("__builtins__", builtins)
    with _collect_unawaited() as unawaited:
        try:
            result = FunctionType(code, names)()
            if code.co_flags & inspect.CO_COROUTINE:
                await result
        except (Exception, SystemExit) as error:
            return error
        finally:
            if last:
                names.clear()
    return _not_awaited(unawaited[0]) if unawaited else None


@contextmanager
def _collect_unawaited() -> Iterator[list[str]]:
    """Collect the names of coroutines that were not awaited; show other warnings as usual."""
    found: list[str] = []
    with warnings.catch_warnings(record=True) as recorded:
        warnings.filterwarnings("always", _UNAWAITED.pattern, RuntimeWarning)
        yield found
    for warning in recorded:
        if match := _UNAWAITED.match(str(warning.message)):
            found.append(match[1])
        else:
            warnings.showwarning(warning.message, warning.category, warning.filename, warning.lineno)


def _not_awaited(name: str) -> FrameworkError:
    return FrameworkError(f"{name}(…) was not awaited and has done nothing: put `await` before it")


def prompt(runner: asyncio.Runner, names: dict[str, Any], banner: str) -> None:
    """Read lines and run them until the end of input or `exit()`."""
    with suppress(ImportError):  # not available on every system: there is no completion then
        import readline
        from rlcompleter import Completer

        readline.set_completer(Completer(names).complete)
        readline.parse_and_bind("tab: complete")
    shown_before, sys.displayhook = sys.displayhook, _display
    with suppress(SystemExit):
        _Console(runner, names).interact(banner, exitmsg="")
    sys.displayhook = shown_before


def _display(value: object) -> None:
    """Print the value of an expression."""
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
        """Run a statement; Ctrl-C cancels it and returns to the prompt."""
        try:
            outcome = self._runner.run(execute(code, self._names))
        except KeyboardInterrupt:
            self.write("\ninterrupted\n")
            return
        if isinstance(outcome, SystemExit):
            raise outcome
        if outcome is not None:
            self.write(_error_text(outcome))


def _error_text(error: BaseException) -> str:
    if isinstance(error, FrameworkError):
        return f"{type(error).__name__}: {error}\n"
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != _FILE:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
