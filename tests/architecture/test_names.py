"""Names say one thing in one way: limits are MAX_ and MIN_, public functions begin with a verb."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.ratchets import against_ratchet, ratchet
from tests.architecture.source_tree import ROOT, SOURCES, Module, modules

LIMIT = re.compile(r"_*(most|least|longest|fewest|shortest|largest)(_|$)", re.IGNORECASE)
VERBS = Path(__file__).with_name("verbs.txt")
PREFIXES = {"to", "from", "is", "has", "by", "with", "within", "without", "did", "may", "pytest"}
"""What else a function's name may begin with; `pytest_…` are hooks, which pytest has named."""
TESTS = (*sorted(ROOT.glob("libs/*/tests")), ROOT / "tests", ROOT / "benchmarks", ROOT / "scripts")


def limit_names(*packages: Path) -> list[str]:
    """Constants, fields and parameters that call a limit otherwise."""
    return [
        f"{module.place}: {name}: expected max_ or min_"
        for module in modules(*packages)
        for name in sorted({*_declared(module)})
        if LIMIT.match(name)
    ]


def _declared(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) if name.isupper():
                yield name
            case ast.arg(arg=name) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def test_limits_are_max_and_min() -> None:
    assert limit_names(*SOURCES, *TESTS) == []


def late_limits(*packages: Path) -> list[str]:
    """Settings with `max` or `min` elsewhere than at the beginning of the name."""
    return [
        f"{module.place}: {field.target.id}: expected max_ or min_ first"
        for module in modules(*packages)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith("Settings")
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if re.search(r"_(max|min)(_|$)", field.target.id)
    ]


def test_limits_among_settings_begin_with_max_or_min() -> None:
    assert late_limits(*SOURCES) == []


def test_a_limit_among_settings_that_begins_otherwise_fails(package: MakePackage) -> None:
    folder = package({"a.py": "class ShopSettings:\n    cache_max_mb: int = 5\n    max_cache_mb: int = 5\n"})
    assert late_limits(folder) == ["sample/a.py: cache_max_mb: expected max_ or min_ first"]


def test_other_words_for_limits_fail(package: MakePackage) -> None:
    bad = {
        "a.py": "MOST_ROWS = 5\n",
        "b.py": "def read(most: int) -> None: ...\n",
        "c.py": "class Limits:\n    least_rows: int = 5\n",
        "d.py": "FEW, _LONGEST = 1, 2\n",
    }
    folder = package({**bad, "fine.py": "MAX_ROWS = 5\nalmost = largest = mostly = MAX_ROWS\n"})
    assert [one.split(":")[0] for one in limit_names(folder)] == [f"sample/{path}" for path in sorted(bad)]


def noun_functions(*packages: Path) -> set[str]:
    """Names of public functions and methods that a reader could take for values."""
    verbs = set(VERBS.read_text(encoding="utf-8").split())
    return {
        node.name
        for module in modules(*packages)
        for node in _public_functions(module.tree)
        if not _reads_as_function(node.name, verbs) and not any(map(_makes_a_value, node.decorator_list))
    }


def _public_functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions of modules and public classes; what stands inside functions is their own affair."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            if not child.name.startswith(("_", "test_")):
                yield child
        elif not isinstance(child, ast.ClassDef) or not child.name.startswith("_"):
            yield from _public_functions(child)


def _reads_as_function(name: str, verbs: set[str]) -> bool:
    first = name.partition("_")[0]
    return first in verbs or first in PREFIXES or name == "of" or name.endswith(("_of", "_for")) or "_of_" in name


def _makes_a_value(decorator: ast.expr) -> bool:
    """Whether a decorator makes a property, a fixture, a validator or the like of a function."""
    return any(word in ast.unparse(decorator) for word in ("property", "fixture", "validator", "setter", "composite"))


def test_public_functions_begin_with_a_verb() -> None:
    assert against_ratchet(noun_functions(*SOURCES), ratchet("noun_functions")) == []


def test_verbs_are_listed_once_and_used() -> None:
    listed = VERBS.read_text(encoding="utf-8").split()
    used = {node.name.partition("_")[0] for module in modules(*SOURCES) for node in _public_functions(module.tree)}
    assert listed == sorted(set(listed))
    assert set(listed) - used == set()


def test_functions_named_as_values_fail(package: MakePackage) -> None:
    bad = "def converted(): ...\nclass Table:\n    async def rows(self): ...\nif True:\n    def later(): ...\n"
    fine = (
        "def convert(): ...\ndef to_text(): ...\ndef is_open(): ...\ndef text_of(): ...\ndef _converted(): ...\n"
        "class Table:\n    @property\n    def rows(self): ...\nclass _Table:\n    def rows(self): ...\n"
        "def find():\n    def found(): ...\n"
    )
    assert noun_functions(package({"bad.py": bad, "fine.py": fine})) == {"converted", "rows", "later"}
