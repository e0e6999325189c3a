"""Tests wait for what they watch, and not for a time that is long enough most of the time."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.ratchets import against_ratchet, ratchet
from tests.architecture.source_tree import ROOT, TESTS, modules

NEVER_OVER = 10
"""Seconds from which on a sleep stands for work that does not end."""


def find_waits(*folders: Path, base: Path = ROOT) -> list[str]:
    """Return `file: count` of sleeps outside of a loop that polls; `sleep(0)` only lets others run."""
    found = Counter(
        module.path.relative_to(base).as_posix()
        for module in modules(*folders)
        for _ in _fixed_waits(module.tree, polls=False)
    )
    return [f"{place}: {count}" for place, count in found.items()]


def _fixed_waits(node: ast.AST, *, polls: bool) -> Iterator[ast.Call]:
    match node:
        case ast.Call(func=ast.Name("sleep") | ast.Attribute(attr="sleep"), args=[length]) if not polls:
            if not _is_no_wait(length):
                yield node
        case ast.While() | ast.For() if isinstance(node, ast.While) or _may_end_early(node):
            polls = True
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            polls = False
    for child in ast.iter_child_nodes(node):
        yield from _fixed_waits(child, polls=polls)


def _may_end_early(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Return | ast.Break) for part in ast.walk(node))


def _is_no_wait(length: ast.expr) -> bool:
    match length:
        case ast.Constant(int() | float() as seconds):
            return not 0 < seconds < NEVER_OVER
    return False


def test_tests_wait_for_what_they_watch() -> None:
    assert against_ratchet(find_waits(*TESTS), ratchet("fixed_waits")) == []


def test_a_fixed_wait_fails(package: MakePackage) -> None:
    folder = package(
        {
            "a.py": "async def f():\n    await asyncio.sleep(0.1)\n    time.sleep(length)\n",
            "c.py": "for _ in range(9):\n    sleep(1)\n",
            "fast.py": "for _ in range(9):\n    if ready():\n        break\n    sleep(1)\n",
            "b.py": "while not ready():\n    def work():\n        sleep(1)\n",
            "fine.py": "def f():\n    sleep(0)\n    sleep(60)\n    while not ready():\n        sleep(0.01)\n",
        }
    )
    assert find_waits(folder, base=folder) == ["a.py: 2", "b.py: 1", "c.py: 1"]
