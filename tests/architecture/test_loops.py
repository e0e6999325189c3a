"""Cases of a test are parameters, subtests, or named by the assertion's message, so that a failure names its case."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import TESTS, modules


def find_loops(*folders: Path) -> list[str]:
    """Return `file:line` of the loops in tests over written-out cases whose assertions do not name the case."""
    return [
        f"{module.path}:{loop.lineno}"
        for module in modules(*folders)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        for loop in _loops(node)
    ]


def _loops(test: ast.AST) -> Iterator[ast.For]:
    for node in ast.walk(test):
        if not isinstance(node, ast.For) or not _is_written_out(node.iter) or "subtests.test(" in ast.unparse(node):
            continue
        if any(map(_is_nameless, ast.walk(node))):
            yield node


def _is_written_out(cases: ast.expr) -> bool:
    match cases:
        case ast.Tuple() | ast.List() | ast.Call(func=ast.Attribute(value=ast.Dict(), attr="items")):
            return True
    return False


def _is_nameless(node: ast.AST) -> bool:
    return isinstance(node, ast.Assert) and node.msg is None


def test_no_loop_hides_which_case_failed() -> None:
    assert find_loops(*TESTS) == [], "give the case as a message or a parameter"


def test_a_loop_that_hides_its_case_fails(package: MakePackage) -> None:
    cases = {
        "tuple.py": "def test_it():\n    for case in (1, 2):\n        assert f(case)\n",
        "pairs.py": "def test_it():\n    for one, other in {1: 2}.items():\n        assert one == other\n",
        "fine.py": (
            "def test_it(subtests):\n    for case in (1, 2):\n        assert f(case), case\n"
            "    for case in (1, 2):\n        with subtests.test(case):\n            assert f(case)\n"
            "    for case in found:\n        assert case\n    for case in (1, 2):\n        f(case)\n"
        ),
    }
    assert [Path(place).name for place in find_loops(package(cases))] == ["pairs.py:2", "tuple.py:2"]
