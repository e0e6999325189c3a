"""The errors of declarations, collected so that one start lists them all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["DeclarationErrors", "ReportError", "place_of"]

type ReportError = Callable[[Any, str], None]
"""Records an error of a declaration."""


class DeclarationErrors:
    """Errors in the order of their report, each once, with the place of what they are about."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def report(self, declared: Any, text: str) -> None:
        """Record an error of a class or function."""
        line = f"{place_of(declared)}: {text}"
        if line not in self.lines:
            self.lines.append(line)


def place_of(declared: Any) -> str:
    """Return the location of a class or function: module, name, and line if the source is available."""
    try:
        line = f":{inspect.getsourcelines(declared)[1]}"
    except (OSError, TypeError):
        line = ""
    return f"{declared.__module__}.{declared.__qualname__}{line}"
