"""What is declared is done: only a Protocol may leave a body to others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import SOURCES, modules


def check_unfinished(*packages: Path) -> list[str]:
    """`raise NotImplementedError` outside Protocols."""
    return [f"{module.place}:{line}: left undone" for module in modules(*packages) for line in _unfinished(module.tree)]


def _unfinished(node: ast.AST) -> Iterator[int]:
    if isinstance(node, ast.ClassDef) and any(map(_is_protocol, node.bases)):
        return
    if isinstance(node, ast.Raise) and _name(node.exc) == "NotImplementedError":
        yield node.lineno
    for child in ast.iter_child_nodes(node):
        yield from _unfinished(child)


def _is_protocol(base: ast.expr) -> bool:
    return _name(base.value if isinstance(base, ast.Subscript) else base) == "Protocol"


def _name(node: ast.expr | None) -> str:
    match node:
        case ast.Call(func=called):
            return _name(called)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def test_nothing_is_left_undone() -> None:
    assert check_unfinished(*SOURCES) == []


def test_an_unfinished_body_fails_and_a_protocol_passes(package: MakePackage) -> None:
    body = "    def f(self):\n        raise NotImplementedError{}\n"
    folder = package(
        {
            "a.py": "class A:\n" + body.format("('later')"),
            "b.py": "from typing import Protocol\nclass P(Protocol):\n" + body.format("()"),
            "c.py": "import typing\nclass P(typing.Protocol[int]):\n" + body.format(""),
        }
    )
    assert check_unfinished(folder) == ["sample/a.py:3: left undone"]
