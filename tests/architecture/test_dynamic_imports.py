"""Rule 7: names become modules in one place; everything else says in its imports what it needs."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import PRODUCTION, STUDIO, Module, modules

ALLOWED = {"framework_m_core/bootstrap/plugins/discovery.py", "framework_m/__init__.py"}
DYNAMIC = {"import_module", "entry_points", "__import__", "run_module"}


def check_dynamic_imports(*packages: Path, allowed: Collection[str] = ()) -> list[str]:
    """Uses of import_module, entry_points and their like outside the allowed files."""
    return [
        f"{module.place}:{line}: {name} belongs to bootstrap/discovery"
        for module in modules(*packages)
        if module.place not in allowed
        for name, line in _uses(module)
    ]


def _uses(module: Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(module.tree):
        match node:
            case ast.ImportFrom(module=origin, names=names) if (origin or "").partition(".")[0] in {
                "importlib",
                "runpy",
            }:
                yield from ((alias.name, node.lineno) for alias in names if alias.name in DYNAMIC)
            case ast.Attribute(value=ast.Name(id="importlib" | "metadata" | "runpy") | ast.Attribute(), attr=name):
                if name in DYNAMIC:
                    yield name, node.lineno
            case ast.Name(id="__import__"):
                yield "__import__", node.lineno


def test_modules_are_found_by_name_in_one_place() -> None:
    assert check_dynamic_imports(*PRODUCTION, STUDIO, allowed=ALLOWED) == []


def test_every_way_of_importing_by_name_fails(package: MakePackage) -> None:
    folder = package(
        {
            "a.py": "from importlib import import_module\n",
            "b.py": "import importlib.metadata\nimportlib.metadata.entry_points(group='x')\n",
            "c.py": "import importlib\nimportlib.import_module('x')\n",
            "d.py": "__import__('x')\n",
            "e.py": "from importlib.metadata import version\n",
            "f.py": "from importlib.metadata import entry_points\n",
        }
    )
    errors = check_dynamic_imports(folder, allowed={"sample/f.py"})
    assert [error.split(" ")[0] for error in errors] == [
        "sample/a.py:1:",
        "sample/b.py:2:",
        "sample/c.py:2:",
        "sample/d.py:1:",
    ]
