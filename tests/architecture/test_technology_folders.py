"""Rule 4: technology folders know core, never each other; only the composition sees several."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import STANDARD, imports, is_vendor, modules

COMPOSITION = {"bootstrap", "steps", "cli", "__init__"}
DOCTYPES = "doctypes"
DOCTYPES_MAY_IMPORT = ("framework_m_core", "pydantic", "pydantic_core")


def check_independence(package: Path) -> list[str]:
    """Imports from one technology folder into another, or into the composition."""
    looked_at = [module for module in modules(package) if module.room not in COMPOSITION]
    assert looked_at, f"nothing to look at in {package}"
    errors = []
    for module in looked_at:
        for item in imports(module):
            room = item.target.removeprefix(package.name + ".").partition(".")[0]
            if item.is_in(package.name) and room != module.room:
                errors.append(f"{module.place}:{item.line}: {module.room} imports {room}")
    return errors


def check_doctypes_speak_to_core(package: Path) -> list[str]:
    """Third-party imports in doctypes: every variant runs them, whatever it has installed."""
    return [
        f"{module.place}:{item.line}: doctypes imports {item.root}"
        for module in modules(package / DOCTYPES)
        for item in imports(module)
        if is_vendor(item, package.name, *DOCTYPES_MAY_IMPORT)
    ]


def test_technology_folders_do_not_import_each_other() -> None:
    assert check_independence(STANDARD) == []


def test_doctypes_speak_to_core_only() -> None:
    assert check_doctypes_speak_to_core(STANDARD) == []


def test_a_neighbour_and_the_composition_fail(package: MakePackage) -> None:
    folder = package(
        {
            "http/app.py": "import sample.sql.engine\nimport sample.http.routes\nimport sample.bootstrap\n",
            "sql/engine.py": "from ..memory.cache import MemoryCache\n",
            "bootstrap.py": "from sample.sql import engine\nfrom sample.http import app\n",
        }
    )
    assert check_independence(folder) == [
        "sample/http/app.py:1: http imports sql",
        "sample/http/app.py:3: http imports bootstrap",
        "sample/sql/engine.py:1: sql imports memory",
    ]


def test_a_vendor_in_doctypes_fails(package: MakePackage) -> None:
    folder = package({"doctypes/user.py": "import argon2\nimport pydantic\nfrom framework_m_core import domain\n"})
    assert check_doctypes_speak_to_core(folder) == ["doctypes/user.py:1: doctypes imports argon2"]


def test_no_technology_folder_fails(package: MakePackage) -> None:
    with pytest.raises(AssertionError, match="nothing to look"):
        check_independence(package({"bootstrap.py": ""}))
