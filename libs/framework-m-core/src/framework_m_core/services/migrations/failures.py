"""Failures of revisions and patches, as errors that state the file, the line, and what to do next."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from framework_m_core.domain.errors import FrameworkError, MigrationError

__all__ = ["RUN_AGAIN", "Explain", "explain_error", "format_one_line", "translate_failures"]

RUN_AGAIN: Final = "It was rolled back, and no later step was run: fix it and run `m migrate run` again"

type Explain = Callable[[Exception], str]
"""Returns the reason of a failure in one line."""


def explain_error(error: Exception) -> str:
    """Return the reason of a failure in one line."""
    if isinstance(error, FrameworkError):
        cause = error.__cause__
        known = str(error).rstrip(".")
        return f"{known} ({format_one_line(cause)})" if isinstance(cause, Exception) and "refused" in known else known
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    return f"{type(error).__name__}: {format_one_line(error)}"


@contextmanager
def translate_failures(
    what: str, name: str, folder: Path, then: str, explain: Explain = explain_error
) -> Iterator[None]:
    """Raise any error of the block as a MigrationError."""
    try:
        yield
    except Exception as error:
        reason = explain(error)
        raise MigrationError(f"{what} {name} failed{_place(error, folder)}: {reason}. {then}") from error


def format_one_line(error: BaseException) -> str:
    """Return an error's message without line ends."""
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")


def _place(error: BaseException, folder: Path) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    if not own and isinstance(error, SyntaxError) and error.filename:
        return f" at {Path(error.filename).name}, line {error.lineno}"
    if not own:
        return ""
    return f" at {Path(own[-1].filename).relative_to(folder.parent)}, line {own[-1].lineno}"
