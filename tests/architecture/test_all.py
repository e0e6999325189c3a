"""What is public is in `__all__`, and what is not has a leading underscore."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import SOURCES, Module, modules


def unlisted_names(*packages: Path) -> list[str]:
    """Public names of modules with `__all__` that are not in it."""
    return [
        f"{module.place}: {name}"
        for module in modules(*packages)
        if (listed := _listed(module)) is not None
        for name in sorted({*_public_names(module)} - listed)
    ]


def _listed(module: Module) -> set[str] | None:
    for node in module.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() | ast.Tuple() as names):
                return set(ast.literal_eval(names))
    return None


def _public_names(module: Module) -> Iterator[str]:
    for node in module.tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.TypeAlias(name=ast.Name(id=name)):
                names = [name]
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))


def test_public_names_are_listed() -> None:
    assert unlisted_names(*SOURCES) == []


def test_each_kind_of_name_is_found(package: MakePackage) -> None:
    source = '__all__ = ["a"]\na = b = 1\nc: int = 2\ntype D = int\nclass E: ...\ndef f(): ...\n_g = 3\n'
    found = package({"m.py": source, "n.py": "free = 1\n"})
    assert unlisted_names(found) == [f"sample/m.py: {name}" for name in ("D", "E", "b", "c", "f")]
