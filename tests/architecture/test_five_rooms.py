"""One word, five rooms: each port has its contract, its fake, an adapter and a page; what lacks one is listed."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from framework_m_core.interfaces.ports import PORTS
from tests.architecture.conftest import MakePackage
from tests.architecture.ratchets import against_ratchet, ratchet
from tests.architecture.source_tree import CORE, ROOT, STANDARD, TESTING, modules

PAGES = ROOT / "docs/developer/ports"
GROUP = "framework_m.adapters."

type HasRoom = Callable[[str], bool]


def ports(interfaces: Path) -> list[str]:
    """The ports, by file. A file that declares none is no port."""
    found = [
        module.path.stem
        for module in modules(interfaces)
        if any(isinstance(node, ast.ClassDef) and node.name.endswith("Protocol") for node in module.tree.body)
    ]
    assert found, f"no port in {interfaces}"
    return found


def contracts(*packages: Path) -> set[str]:
    """Ports that a contract is named after."""
    classes = (node for module in modules(*packages) for node in module.tree.body if isinstance(node, ast.ClassDef))
    return {_snake(node.name.removesuffix("Contract")) for node in classes if node.name.endswith("Contract")}


def adapters(projects: list[Path], *packages: Path) -> set[str]:
    """Ports that an entry point or a file of a technology is for."""
    named = {group.removeprefix(GROUP) for group in _groups(projects) if group.startswith(GROUP)}
    files = {module.path.stem for module in modules(*packages) if module.room != "memory"}
    return named | files


def missing_rooms(names: list[str], **rooms: HasRoom) -> list[str]:
    """`port: room` for each room that a port lacks."""
    return [f"{name}: {room}" for name in names for room, has in rooms.items() if not has(name)]


def _groups(projects: list[Path]) -> Iterator[str]:
    for project in projects:
        yield from tomllib.loads(project.read_text(encoding="utf-8"))["project"].get("entry-points", {})


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).removeprefix("_")


def _fakes() -> set[str]:
    return {path.stem for folder in (TESTING / "fakes", STANDARD / "memory") for path in folder.glob("*.py")}


def _found() -> list[str]:
    filled = adapters([*ROOT.glob("libs/*/pyproject.toml")], STANDARD)
    return missing_rooms(
        ports(CORE / "interfaces"),
        contract=contracts(TESTING / "contracts").__contains__,
        fake=_fakes().__contains__,
        adapter=filled.__contains__,
        page=lambda name: (PAGES / f"{name}.md").is_file(),
    )


def test_the_table_of_ports_names_every_port() -> None:
    """But for what is not chosen by name: repositories come from a unit of work, steps of a start are many."""
    assert {*ports(CORE / "interfaces")} - {port.name for port in PORTS} == {"bootstrap", "repository"}
    assert [port.name for port in PORTS if not port.protocol.__module__.endswith(f".{port.name}")] == []


def test_the_table_names_the_contract_of_each_port_as_its_page_does() -> None:
    found = {node.name for module in modules(TESTING / "contracts") for node in ast.walk(module.tree)
             if isinstance(node, ast.ClassDef)}  # fmt: skip
    assert [port.contract for port in PORTS if port.contract not in found] == []
    told = {port.name: (PAGES / f"{port.name}.md").read_text(encoding="utf-8") for port in PORTS}
    assert [port.contract for port in PORTS if f"`{port.contract}`" not in told[port.name]] == []


def test_every_port_has_its_rooms() -> None:
    assert against_ratchet(_found(), ratchet("missing_rooms")) == []


def test_a_page_belongs_to_a_port() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} <= {*ports(CORE / "interfaces")}


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_names_the_methods_of_its_port(page: Path) -> None:
    tree = ast.parse((CORE / "interfaces" / page.name).with_suffix(".py").read_text(encoding="utf-8"))
    protocols = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name.endswith("Protocol")]
    methods = [part.name for node in protocols for part in node.body if isinstance(part, ast.AsyncFunctionDef)]
    text = page.read_text(encoding="utf-8")
    assert [name for name in methods if name not in text and not name.startswith("_")] == []


def test_a_port_without_a_room_and_a_stale_entry_are_told(package: MakePackage) -> None:
    folder = package({"cache.py": "class CacheProtocol: ...\n", "dto.py": "class Entry: ...\n"})
    suites = package({"suites/cache.py": "class CacheContract: ...\nclass FileStoreContract: ...\n"}) / "suites"
    assert contracts(suites) == {"cache", "file_store"}
    lacking = missing_rooms(["cache"], contract=contracts(suites).__contains__, fake=lambda _: False)
    assert lacking == ["cache: fake"]
    assert against_ratchet(lacking, []) == ["cache: fake"]
    assert against_ratchet([], lacking) == ["cache: fake: no longer so, take it off the list"]
    (folder / "suites" / "cache.py").unlink()
    assert ports(folder) == ["cache"]
