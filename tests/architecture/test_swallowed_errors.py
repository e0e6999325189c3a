"""No error disappears: who catches everything does something with it."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import SOURCES, modules

EVERYTHING = {"Exception", "BaseException"}


def check_swallowed(*packages: Path) -> list[str]:
    """Handlers of every error with an empty body, and `suppress` of every error."""
    return [
        f"{module.place}:{node.lineno}: every error is swallowed here"
        for module in modules(*packages)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler | ast.Call) and (_is_empty_handler(node) or _is_broad_suppress(node))
    ]


def _is_empty_handler(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and all(map(_does_nothing, node.body))


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(map(_is_broad, caught.elts))
    return caught is None or (isinstance(caught, ast.Name) and caught.id in EVERYTHING)


def _does_nothing(statement: ast.stmt) -> bool:
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass | ast.Continue)


def _is_broad_suppress(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=caught):
            return any(map(_is_broad, caught))
    return False


def test_no_error_is_swallowed() -> None:
    assert check_swallowed(*SOURCES) == []


def test_every_way_of_swallowing_fails(package: MakePackage) -> None:
    attempt = "try:\n    f()\nexcept {}:\n    {}\n"
    folder = package(
        {
            "a.py": attempt.format("Exception", "pass"),
            "b.py": attempt.format("(ValueError, BaseException)", "..."),
            "c.py": "try:\n    f()\nexcept:\n    pass\n",
            "d.py": "import contextlib\nwith contextlib.suppress(Exception):\n    f()\n",
            "fine.py": attempt.format("ValueError", "pass") + attempt.format("Exception", "log()"),
        }
    )
    assert [error.split(":")[0] for error in check_swallowed(folder)] == [
        "sample/a.py",
        "sample/b.py",
        "sample/c.py",
        "sample/d.py",
    ]
