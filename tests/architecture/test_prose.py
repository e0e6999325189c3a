"""Tests assert codes, fields, parameters and names, so that a message is written anew in one place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import TESTS, modules

MAX_WORDS = 3
TABLES = {"test_messages.py"}
ERROR_PARTS = {"message", "problems", "stderr", "text", "detail", "title"}
ERROR_NAMES = {"found", "problem", "problems", "refused", "_problem", "_refused", "refusal"}


def find_prose(*folders: Path) -> list[str]:
    """Return the assertions of sentences that the test itself has not written, a line for each."""
    return [
        f"{module.place}:{node.lineno}: {text}"
        for module in modules(*folders)
        if module.path.name not in TABLES
        for node, text in _asserted(module.tree)
        if len(_words(text)) > MAX_WORDS and not any(text in given for given in _given(module.tree))
    ]


def _asserted(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.keyword, str]]:
    """Yield texts that an error is expected to hold: `match=`, and what is compared with what it says."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="match", value=value):
                yield node, _literal(value)
            case ast.Compare(left=left, comparators=others) if any(map(_is_said, [left, *others])):
                yield from ((node, _literal(text)) for side in [left, *others] for text in _texts(side))


def _is_said(node: ast.expr) -> bool:
    """Whether an expression reads what an error says: `str(error)`, `.message`, `["detail"]` and the like."""
    for part in ast.walk(node):
        match part:
            case ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(name)) if name in ERROR_PARTS:
                return True
            case ast.Name(name) if name == "str" or name in ERROR_NAMES:
                return True
    return False


def _given(tree: ast.Module) -> set[str]:
    """Return the texts that stand outside of assertions, such as those of errors that the test raises."""
    asserted = {id(part) for node, _ in _asserted(tree) for part in ast.walk(node)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in asserted
    }


def _texts(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node
    else:
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)


def _literal(node: ast.expr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(
        part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else " " for part in parts
    )


def _words(text: str) -> list[str]:
    return [word for word in text.split() if re.search("[A-Za-z]", word)]


def test_no_test_asserts_a_sentence() -> None:
    assert find_prose(*TESTS) == []


def test_every_way_to_assert_a_sentence_fails(package: MakePackage) -> None:
    folder = package(
        {
            "a.py": 'with raises(E, match="expected a whole number"):\n    f()\n',
            "b.py": 'assert str(error.value) == "expected a whole number"\n',
            "c.py": 'assert f"{name} has no such field" in body.json()["detail"]\n',
            "d.py": 'assert error.problems == ("one", "expected a whole number")\n',
            "e.py": 'assert any("expected a whole number" in problem for problem in found)\n',
            "fine.py": 'raise_it("the broker went away")\nassert str(error) == "the broker went away"\n'
            'assert error.code == "a code of four words"\nwith raises(E, match="whole number"):\n    f()\n',
            "test_messages.py": 'assert error.message == "expected a whole number"\n',
        }
    )
    assert [line.split(":")[0] for line in find_prose(folder)] == [f"sample/{name}.py" for name in "abcde"]
