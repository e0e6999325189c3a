"""Imports stand at the top: one inside a function hides a cycle or an optional vendor, and is listed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.ratchets import against_ratchet, ratchet
from tests.architecture.source_tree import SOURCES, imports, modules


def check_import_placement(*packages: Path, listed: Iterable[str]) -> list[str]:
    """Nested imports outside cli/, which starts fast by importing late."""
    nested = {
        f"{module.place}: {item.target}"
        for module in modules(*packages)
        if module.room != "cli"
        for item in imports(module)
        if item.nested
    }
    return against_ratchet(nested, listed)


def test_imports_stand_at_the_top() -> None:
    assert check_import_placement(*SOURCES, listed=ratchet("late_imports")) == []


def test_a_nested_import_and_a_stale_entry_fail(package: MakePackage) -> None:
    folder = package(
        {
            "sql/engine.py": "def f():\n    import asyncpg\n    from sample import http\n",
            "cli/start.py": "def f():\n    import uvicorn\n",
            "typed.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import decimal\n",
        }
    )
    listed = ["sample/sql/engine.py: asyncpg", "sample/gone.py: x"]
    assert check_import_placement(folder, listed=listed) == [
        "sample/sql/engine.py: sample.http",
        "sample/gone.py: x: no longer so, take it off the list",
    ]
