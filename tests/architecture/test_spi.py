"""`spi` holds what an adapter of any port needs: its types, the errors it raises, what its contract and page name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework_m_core import spi
from framework_m_core.interfaces.ports import PORTS
from tests.architecture.source_tree import CORE, ROOT, Module, imports, modules

PAGES = ROOT / "docs/developer/ports"
PACKAGES = ROOT / "tests/third_parties"
OFFERED = ("domain", "interfaces")
"""Where the names live that a contract or a page may send an adapter's author to."""


def exported(module: Module) -> set[str]:
    """The names in a module's `__all__`."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return {str(name) for name in ast.literal_eval(node.value)}
    return set()


def annotated(module: Module) -> Iterator[str]:
    """Names in the annotations of a module's classes, as far as they come from core."""
    own = {item.target.rpartition(".")[2] for item in imports(module) if item.root == module.package.name}
    for top in module.tree.body:
        for node in ast.walk(top) if isinstance(top, ast.ClassDef) else ():
            found = [node.annotation] if isinstance(node, ast.arg | ast.AnnAssign) else []
            found += [node.returns] if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []
            for part in (part for annotation in found if annotation for part in ast.walk(annotation)):
                if isinstance(part, ast.Name) and part.id in own:
                    yield part.id


def told(text: str, known: set[str]) -> set[str]:
    """Names of core in a text: errors anywhere, others in backticks."""
    quoted = {part.rpartition(".")[2] for part in re.findall(r"`([\w.]+)`", text)}
    return (quoted | set(re.findall(r"\b[A-Z]\w+Error\b", text))) & known


def docstrings(module: Module) -> str:
    """All docstrings of a module."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return "\n".join(ast.get_docstring(node) or "" for node in ast.walk(module.tree) if isinstance(node, kinds))


def check_port(module: Module, page: str, known: set[str], offered: set[str]) -> list[str]:
    """Return what an adapter of the port needs and is not offered."""
    needed = {*exported(module), *annotated(module), *told(docstrings(module) + page, known)}
    return sorted(needed - offered)


def _interface(port: str) -> Module:
    return next(module for module in modules(CORE / "interfaces") if module.path.stem == port)


def _known() -> set[str]:
    return {name for module in modules(*(CORE / folder for folder in OFFERED)) for name in exported(module)}


@pytest.mark.parametrize("port", [*(port.name for port in PORTS), "repository", "bootstrap"])
def test_spi_offers_what_an_adapter_needs(port: str) -> None:
    page = (PAGES / f"{port}.md").read_text(encoding="utf-8")
    interface = _interface(port)
    # The interface is looked at as a part of core, so that its imports are core's.
    assert check_port(Module(interface.path, CORE, interface.tree), page, _known(), set(spi.__all__)) == []


def test_a_port_whose_error_is_not_offered_fails(tmp_path: Path) -> None:
    source = '''
from core.domain import Kind

__all__ = ["Port"]

class Port:
    """A port.

    Contract: raises LostError; `check` checks."""

    def find(self, kind: Kind) -> int: ...
'''
    module = Module(tmp_path / "core/port.py", tmp_path / "core", ast.parse(source))
    known = {"LostError", "check", "told"}
    assert check_port(module, "", known, {"Port"}) == ["Kind", "LostError", "check"]
    assert check_port(module, "See `domain.told`.", known, {"Port", "Kind", "LostError", "check"}) == ["told"]


def check_packages(*sources: Path) -> list[str]:
    """Return imports of the framework from elsewhere than `spi`."""
    return [
        f"{module.place}:{item.line}: import it from {CORE.name}.spi"
        for module in modules(*sources)
        for item in imports(module)
        if item.root.startswith("framework_m") and not item.is_in(f"{CORE.name}.spi")
    ]


def test_packages_of_others_import_spi_alone() -> None:
    assert check_packages(*(path for path in PACKAGES.glob("*/src/*") if path.is_dir())) == []


def test_a_package_that_reaches_past_spi_fails(tmp_path: Path) -> None:
    (tmp_path / "cache.py").write_text("from framework_m_core.spi import Clock\nimport framework_m_core.domain.clock\n")
    assert [line.partition(":")[2] for line in check_packages(tmp_path)] == [
        "2: import it from framework_m_core.spi",
    ]
