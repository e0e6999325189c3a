"""What pytest and ruff are told where an app, such as one of two files, has no settings for them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["PYTEST", "RUFF", "Tool"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its table in pyproject.toml, the other files that may hold its settings, and our defaults."""

    table: str
    files: tuple[str, ...]
    arguments: tuple[str, ...]

    def defaults(self, folder: Path) -> tuple[str, ...]:
        """What to say beside the words of the command line, for an app in a folder."""
        return () if any(map(self._is_configured, (folder, *folder.parents))) else self.arguments

    def _is_configured(self, folder: Path) -> bool:
        if any((folder / name).is_file() for name in self.files):
            return True
        try:
            project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # none, or one that the tool itself complains of
            return False
        return self.table in project.get("tool", {})


PYTEST: Final = Tool(
    "pytest",
    ("pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg"),
    ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"),
)
"""Tests that await need no mark."""

RUFF: Final = Tool("ruff", ("ruff.toml", ".ruff.toml"), ("--ignore", "RUF012"))
"""`class Meta` states its options as plain dictionaries and lists."""
