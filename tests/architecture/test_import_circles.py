"""No module imports itself by way of others, imports for type checkers included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import SOURCES, imports, modules


def import_graph(*packages: Path) -> dict[str, set[str]]:
    """Return, for each module, the modules of the packages that it imports."""
    found = {module.name: module for module in modules(*packages)}
    return {
        name: {target for item in imports(module) for target in _inside(item.target, found) if target != name}
        for name, module in found.items()
    }


def find_circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return one circle of imports, its first module also last; empty when there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _inside(target: str, known: Mapping[str, object]) -> Iterator[str]:
    """The module of an imported name: itself, or the one that holds it."""
    while target and target not in known:
        target = target.rpartition(".")[0]
    if target:
        yield target


def test_no_module_imports_itself_through_others() -> None:
    assert find_circle(import_graph(*SOURCES)) == []


def test_a_circle_through_a_type_checking_import_fails(package: MakePackage) -> None:
    folder = package(
        {
            "__init__.py": "",
            "a.py": "from sample.b import B\n",
            "b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sample.a import A\n",
            "c.py": "def f():\n    from sample import a\n",
        }
    )
    assert set(find_circle(import_graph(folder))) == {"sample.a", "sample.b"}
