"""Public names explain themselves: modules, classes, functions, and the methods of ports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import SOURCES, Module, modules

type Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def check_docstrings(*packages: Path) -> list[str]:
    """Modules and public names without a docstring."""
    return [
        f"{module.place}:{line}: {name} has no docstring"
        for module in modules(*packages)
        for name, line in _undocumented(module)
    ]


def _undocumented(module: Module) -> Iterator[tuple[str, int]]:
    if not ast.get_docstring(module.tree):
        yield "the module", 1
    exported = _exported(module.tree)
    for node in module.tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name in exported or not node.name.startswith("_"):
            yield from _gaps(node, node.name)


def _gaps(node: Definition, name: str) -> Iterator[tuple[str, int]]:
    if not ast.get_docstring(node) and not _is_overload(node):
        yield name, node.lineno
    if isinstance(node, ast.ClassDef) and _is_port(node):
        for child in node.body:
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
                yield from _gaps(child, f"{name}.{child.name}")


def _exported(tree: ast.Module) -> set[str]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=names) | ast.Tuple(elts=names)):
                return {ast.literal_eval(name) for name in names}
    return set()


def _is_overload(node: Definition) -> bool:
    return any(ast.unparse(decorator).endswith("overload") for decorator in node.decorator_list)


def _is_port(node: ast.ClassDef) -> bool:
    return node.name.endswith("Protocol")


def test_public_names_have_docstrings() -> None:
    assert check_docstrings(*SOURCES) == []


def test_undocumented_names_fail(package: MakePackage) -> None:
    folder = package(
        {
            "a.py": "def public(): ...\ndef _private(): ...\n",
            "b.py": '"""Doc."""\n__all__ = ["_shown"]\ndef _shown(): ...\n',
            "c.py": '"""Doc."""\nclass AProtocol:\n  """Doc."""\n  def get(self): ...\n  def _x(self): ...\n',
        }
    )
    assert check_docstrings(folder) == [
        "sample/a.py:1: the module has no docstring",
        "sample/a.py:1: public has no docstring",
        "sample/b.py:3: _shown has no docstring",
        "sample/c.py:4: AProtocol.get has no docstring",
    ]
