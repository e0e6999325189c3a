"""No module imports itself by way of others, nor do two folders import each other; imports for type checkers count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.ratchets import against_ratchet, ratchet
from tests.architecture.source_tree import SOURCES, Module, imports, modules


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


def find_folder_pairs(*packages: Path) -> list[str]:
    """Return the folders that import each other, as pairs below the folder that holds both; the first may be it."""
    folders = {one.name: _folder(one) for one in modules(*packages)}
    edges = {
        _diverging(folders[name], folders[target])
        for name, targets in import_graph(*packages).items()
        for target in targets
        if folders[name] != folders[target]
    }
    return sorted(f"{one} <> {other}" for one, other in edges if (other, one) in edges and one < other)


def _folder(module: Module) -> str:
    return module.name if module.path.stem == "__init__" else module.name.rpartition(".")[0]


def _diverging(one: str, other: str) -> tuple[str, str]:
    """Shorten the names of two folders to the first part in which they differ."""
    left, right = one.split("."), other.split(".")
    shared = next((place for place, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), None)
    end = min(len(left), len(right)) + 1 if shared is None else shared + 1
    return ".".join(left[:end]), ".".join(right[:end])


def is_nested(pair: str) -> bool:
    """Return whether the second folder lies in the first."""
    one, other = pair.split(" <> ")
    return other.startswith(f"{one}.")


def test_no_module_imports_itself_through_others() -> None:
    assert find_circle(import_graph(*SOURCES)) == []


def test_no_folders_beside_each_other_import_each_other() -> None:
    assert [pair for pair in find_folder_pairs(*SOURCES) if not is_nested(pair)] == []


def test_no_more_folders_import_what_lies_in_them_both_ways() -> None:
    found = [pair for pair in find_folder_pairs(*SOURCES) if is_nested(pair)]
    assert against_ratchet(found, ratchet("nested_folders")) == []


def test_folders_that_import_each_other_fail(package: MakePackage) -> None:
    folder = package(
        {
            "__init__.py": "",
            "top.py": "from sample.left.a import A\n",
            "left/a.py": "from sample.right.deep.b import B\n",
            "left/c.py": "",
            "right/d.py": "from sample.left.c import C\n",
            "right/deep/b.py": "import sample.right.e\n",
            "right/e.py": "",
            "right/f.py": "from sample.right.deep import b\n",
        }
    )
    assert find_folder_pairs(folder) == ["sample.left <> sample.right", "sample.right <> sample.right.deep"]
    assert [is_nested(pair) for pair in find_folder_pairs(folder)] == [False, True]


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
