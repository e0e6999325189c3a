"""Files stay near one capability, functions near one thought."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.ratchets import ratchet
from tests.architecture.source_tree import ROOT, SKIPPED, SOURCES, TESTS, modules

MAX_LINES, MANY_LINES, FUNCTION_LINES, FRONTEND_LINES = 600, 400, 45, 300


def check_file_lengths(*packages: Path, listed: Mapping[str, int]) -> list[str]:
    """Files past 600 lines; files past 400 that are not listed or have grown; entries that shrank below."""
    lengths = {module.place: _lines(module.path) for module in modules(*packages)}
    errors = [f"{place}: {length} lines" for place, length in lengths.items() if length > _limit(place, listed)]
    stale = [place for place in listed if lengths.get(place, 0) <= MANY_LINES]
    return errors + [f"{place}: no longer long, take it off the list" for place in stale]


def check_function_lengths(*packages: Path) -> list[str]:
    """Functions past 45 lines, from `def` to the last statement."""
    return [
        f"{module.place}:{node.lineno}: {node.name} has {length} lines"
        for module in modules(*packages)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]


def check_frontend_lengths(folder: Path) -> list[str]:
    """Return the TypeScript files past 300 lines."""
    found = [path for path in folder.rglob("*.ts*") if path.suffix in {".ts", ".tsx"} and not SKIPPED & {*path.parts}]
    assert found, f"nothing to look at in {folder}"
    lengths = {path.name: _lines(path) for path in found}
    return [f"{name}: {length} lines" for name, length in lengths.items() if length > FRONTEND_LINES]


def _limit(place: str, listed: Mapping[str, int]) -> int:
    return min(MAX_LINES, listed.get(place, MANY_LINES))


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_files_are_short() -> None:
    assert check_file_lengths(*SOURCES, *TESTS, listed=ratchet("long_files")) == []


def test_functions_are_short() -> None:
    assert check_function_lengths(*SOURCES) == []


def test_files_of_front_ends_are_short() -> None:
    assert check_frontend_lengths(ROOT / "frontend") == []


def test_a_long_file_of_a_front_end_fails(tmp_path: Path) -> None:
    (tmp_path / "view.tsx").write_text("//\n" * 301, encoding="utf-8")
    assert check_frontend_lengths(tmp_path) == ["view.tsx: 301 lines"]


def test_long_grown_and_stale_files_fail(package: MakePackage) -> None:
    sizes = {"huge": 601, "new": 401, "known": 450, "grown": 451, "small": 10}
    folder = package({f"{name}.py": "x = 1\n" * lines for name, lines in sizes.items()})
    listed = {"sample/huge.py": 700, "sample/known.py": 450, "sample/grown.py": 450, "sample/small.py": 450}
    assert check_file_lengths(folder, listed=listed) == [
        "sample/grown.py: 451 lines",
        "sample/huge.py: 601 lines",
        "sample/new.py: 401 lines",
        "sample/small.py: no longer long, take it off the list",
    ]


def test_a_long_function_fails(package: MakePackage) -> None:
    folder = package({"a.py": "async def f():\n" + "    x = 1\n" * 45 + "\ndef g():\n" + "    x = 1\n" * 44})
    assert check_function_lengths(folder) == ["sample/a.py:1: f has 46 lines"]
