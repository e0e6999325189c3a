"""A folder says in one line what lives there, and holds about a dozen files."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import ROOT, SOURCES, modules

MAX_FILES = 13
ONE_FILE_A_PORT = {"framework_m_core/interfaces", "framework_m_testing/contracts", "framework_m_testing/fakes"}
"""Folders that grow with the ports, each file found by the name of its port."""


def undescribed(*packages: Path) -> list[str]:
    """Return the folders whose `__init__` is missing or has no docstring of one line."""
    found = []
    for folder in sorted({module.path.parent for module in modules(*packages)}):
        front = folder / "__init__.py"
        text = ast.get_docstring(ast.parse(front.read_text(encoding="utf-8"))) if front.is_file() else None
        if not text or "\n" in text.split("\n\n")[0]:
            found.append(folder.name)
    return found


def crowded(*packages: Path) -> list[str]:
    """Return the folders that hold more files than a reader keeps apart."""
    counts = Counter(
        module.path.parent.relative_to(module.package.parent).as_posix()
        for module in modules(*packages)
        if module.path.name != "__init__.py"
    )
    large = {folder: count for folder, count in counts.items() if count > MAX_FILES and folder not in ONE_FILE_A_PORT}
    return sorted(f"{folder}: {count}" for folder, count in large.items())


def unlisted(page: str, *packages: Path) -> list[str]:
    """Return the folders within packages that a page does not name."""
    folders = {module.path.parent for module in modules(*packages)} - {*packages}
    return sorted(folder.name for folder in folders if f"{folder.name}/" not in page)


def test_the_architecture_page_names_every_folder() -> None:
    page = (ROOT / "docs/developer/architecture.md").read_text(encoding="utf-8")
    packages = [
        one for one in SOURCES if one.name in {"framework_m_core", "framework_m_standard", "framework_mx_mongo"}
    ]
    assert len(packages) == 3
    assert unlisted(page, *packages) == []


def test_every_folder_says_what_lives_there() -> None:
    assert undescribed(*SOURCES) == []


def test_no_folder_is_crowded() -> None:
    assert crowded(*SOURCES) == []


def test_an_undescribed_and_a_crowded_folder_fail(package: MakePackage) -> None:
    files = {f"many/m{number}.py": "" for number in range(MAX_FILES + 1)}
    folder = package({"__init__.py": '"""What it is."""\n', "many/__init__.py": "", **files})
    assert undescribed(folder) == ["many"]
    assert unlisted("few/", folder) == ["many"]
    assert unlisted("many/", folder) == []
    assert crowded(folder) == [f"sample/many: {MAX_FILES + 1}"]
