"""A Python prompt at which await works: lines are run in one event loop, which Ctrl-C does not end."""

from __future__ import annotations

import ast
import asyncio
import inspect
import traceback
from code import InteractiveConsole
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import CodeType, CoroutineType, FunctionType
from typing import Any

from framework_m_core.domain.errors import FrameworkError

__all__ = ["Outcome", "compiled", "executed", "prompt"]

type Outcome = BaseException | None
"""What code ended with: an error or its wish to leave, or nothing."""

_FILE = "<console>"


def compiled(source: str) -> CodeType:
    """Code in which await stands outside of functions. Raises FrameworkError for what is not Python."""
    try:
        code: CodeType = compile(source, _FILE, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError) as error:
        raise FrameworkError(f"the code is not Python: {error}") from error
    return code


async def executed(code: CodeType, names: dict[str, Any]) -> Outcome:
    """Runs code over names. An error is returned: SystemExit, if raised here, would end the loop without a word."""
    try:
        result = FunctionType(code, names)()
        if code.co_flags & inspect.CO_COROUTINE:
            await result
    except (Exception, SystemExit) as error:
        return error
    return None


def prompt(runner: asyncio.Runner, names: dict[str, Any], banner: str) -> None:
    """Asks for lines and runs them until the end of input or `exit()`."""
    with suppress(ImportError):  # not every system has it: lines are then typed without completion
        import readline
        from rlcompleter import Completer

        readline.set_completer(Completer(names).complete)
        readline.parse_and_bind("tab: complete")
    with suppress(SystemExit):
        _Console(runner, names).interact(banner, exitmsg="")


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
