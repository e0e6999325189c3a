"""Rule 1: core's folders and files are listed by kind, and imports point downwards only."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import CORE, imports, modules

RANKS = (
    ("cli",),
    ("bootstrap",),
    ("services", "container"),
    ("registry",),
    ("controllers",),
    ("interfaces",),
    ("domain",),
)
LISTED = Path(__file__).with_name("core_layers.toml")


def check_listed(package: Path, listed: Mapping[str, Sequence[str]]) -> list[str]:
    """Files that stand in no list, and listed files that are gone. `.` lists the files at the top."""
    expected = {(folder, name) for folder, names in listed.items() for name in names}
    found = set()
    for module in modules(package):
        inside = module.path.relative_to(package)
        if inside.parts[-1] != "__init__.py" or len(inside.parts) == 1:
            found.add((inside.parent.as_posix(), inside.stem))
    return [
        *(f"{folder}/{name}.py is not listed: what is it, and why there?" for folder, name in sorted(found - expected)),
        *(f"{folder}/{name}.py is listed but gone" for folder, name in sorted(expected - found)),
    ]


def check_direction(package: Path) -> list[str]:
    """Imports of a layer above, or of the neighbour of the same rank."""
    rank = {layer: height for height, layers in enumerate(reversed(RANKS)) for layer in layers}
    errors = []
    for module in modules(package):
        for item in imports(module):
            layer = item.target.removeprefix(package.name + ".").partition(".")[0]
            if not item.is_in(package.name) or layer == module.room or layer not in rank or module.room not in rank:
                continue
            if rank[layer] >= rank[module.room]:
                errors.append(f"{module.place}:{item.line}: {module.room} imports {layer}")
    return errors


def _listed() -> dict[str, list[str]]:
    files: dict[str, list[str]] = tomllib.loads(LISTED.read_text(encoding="utf-8"))["files"]
    return files


def test_every_file_of_core_is_listed() -> None:
    assert check_listed(CORE, _listed()) == []


def test_every_folder_of_core_is_a_layer() -> None:
    assert {folder.partition("/")[0] for folder in _listed()} - {"."} <= {layer for rank in RANKS for layer in rank}


def test_core_imports_point_downwards() -> None:
    assert check_direction(CORE) == []


def test_an_unlisted_file_and_a_stale_entry_fail(package: MakePackage) -> None:
    folder = package({"__init__.py": "", "domain/__init__.py": "", "domain/meta.py": "", "domain/extras.py": ""})
    errors = check_listed(folder, {".": ["__init__"], "domain": ["meta", "gone"]})
    assert [error.split(" ")[0] for error in errors] == ["domain/extras.py", "domain/gone.py"]


def test_an_upward_and_a_sideward_import_fail(package: MakePackage) -> None:
    folder = package(
        {
            "domain/meta.py": "from sample.services import documents\n",
            "services/documents.py": "from ..container import app\nfrom sample.domain import meta\n",
            "container/app.py": "",
        }
    )
    assert check_direction(folder) == [
        "sample/domain/meta.py:1: domain imports services",
        "sample/services/documents.py:1: services imports container",
    ]
