"""What is deprecated says since when, until when and what takes its place, and goes when its time has come."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import ROOT, SOURCES, modules

FORM = re.compile(r"deprecated since (\d+)\.(\d+), removed in (\d+)\.0: use \S")

type Version = tuple[int, int]


def current_version() -> Version:
    """The version that the packages share."""
    found = tomllib.loads((ROOT / "libs/framework-m-core/pyproject.toml").read_text())["project"]["version"]
    major, minor, *_ = found.split(".")
    return int(major), int(minor)


def check_deprecations(current: Version, *packages: Path) -> list[str]:
    """Deprecations whose message is not of the form, or whose time is wrong."""
    return [
        f"{module.place}:{line}: {error}"
        for module in modules(*packages)
        for line, message in _messages(module.tree)
        if (error := _find_error(message, current))
    ]


def _messages(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _deprecates(node):
            yield node.lineno, _text(node.args[0]) if node.args else ""


def _deprecates(call: ast.Call) -> bool:
    name = ast.unparse(call.func).rpartition(".")[2]
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return name == "deprecated" or (name == "warn" and any(ast.unparse(one) == "DeprecationWarning" for one in given))


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _find_error(message: str, current: Version) -> str:
    stated = FORM.match(message)
    if stated is None:
        return f"expected 'deprecated since X.Y, removed in Z.0: use …', got {message!r}"
    major, minor, end = map(int, stated.groups())
    coming = {(current[0], current[1] + 1), (current[0] + 1, 0)}
    if (major, minor) > current and (major, minor) not in coming:
        return f"{major}.{minor} is neither released nor the next version"
    if end <= major:
        return f"expected to be removed in {major + 1}.0 or later"
    return f"its time has come with {end}.0: remove it" if current >= (end, 0) else ""


def test_deprecations_say_what_to_do_and_end() -> None:
    assert check_deprecations(current_version(), *SOURCES) == []


def test_vague_and_overdue_deprecations_fail(package: MakePackage) -> None:
    lines = [
        '"""Doc."""',
        "import warnings",
        '@deprecated("deprecated since 1.2, removed in 2.0: use b")',
        "def a(): ...",
        '@typing_extensions.deprecated("do not use")',
        "class A: ...",
        'warnings.warn("deprecated since 1.5, removed in 2.0: use b", DeprecationWarning, stacklevel=2)',
        "warnings.warn(MESSAGE, category=DeprecationWarning)",
        'warnings.warn("deprecated since 1.1, removed in 1.0: use b", DeprecationWarning)',
        'warnings.warn("it is late", RuntimeWarning)',
    ]
    folder = package({"a.py": "\n".join(lines)})
    assert check_deprecations((1, 3), folder) == [
        "sample/a.py:5: expected 'deprecated since X.Y, removed in Z.0: use …', got 'do not use'",
        "sample/a.py:7: 1.5 is neither released nor the next version",
        "sample/a.py:8: expected 'deprecated since X.Y, removed in Z.0: use …', got ''",
        "sample/a.py:9: expected to be removed in 2.0 or later",
    ]
    assert "sample/a.py:3: its time has come with 2.0: remove it" in check_deprecations((2, 0), folder)
