"""Default settings of pytest and ruff for apps without their own."""

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

    def find_defaults(self, folder: Path) -> tuple[str, ...]:
        """Return the extra command-line arguments for an app in a folder."""
        return () if any(map(self._is_configured, (folder, *folder.parents))) else self.arguments

    def _is_configured(self, folder: Path) -> bool:
        if any((folder / name).is_file() for name in self.files):
            return True
        try:
            project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # missing, or invalid, which the tool itself reports
            return False
        return self.table in project.get("tool", {})


PYTEST: Final = Tool(
    "pytest",
    ("pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg"),
    ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"),
)
"""Async tests need no mark."""

RUFF: Final = Tool("ruff", ("ruff.toml", ".ruff.toml"), ("--ignore", "RUF012"))
"""`class Meta` contains plain dictionaries and lists."""
