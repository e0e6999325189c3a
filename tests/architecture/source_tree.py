"""What the house rules look at: modules of a folder, parsed, with their imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "libs/framework-m-core/src/framework_m_core"
STANDARD = ROOT / "libs/framework-m-standard/src/framework_m_standard"
FACADE = ROOT / "libs/framework-m-standard/src/framework_m"
TESTING = ROOT / "libs/framework-m-testing/src/framework_m_testing"
STUDIO = ROOT / "libs/framework-m-studio/src/framework_m_studio"
CLIENT = ROOT / "libs/framework-m-client/src/framework_m_client"
MONGO = ROOT / "libs/framework-mx-mongo/src/framework_mx_mongo"
PRODUCTION = (CORE, STANDARD, FACADE, MONGO)
SOURCES = (*PRODUCTION, TESTING, STUDIO, CLIENT)
TESTS = (ROOT / "tests", *sorted(ROOT.glob("libs/*/tests")), *sorted(ROOT.glob("examples/*/tests")))

SKIPPED = {"node_modules", "dist", "build", "__pycache__"}


@dataclass(frozen=True)
class Module:
    """One source file below the package folder `package`."""

    path: Path
    package: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        """Dotted name, with the package's own name in front."""
        parts = self.path.relative_to(self.package.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        """The first folder inside the package, or the file's stem for a file at the top."""
        parts = self.path.relative_to(self.package).with_suffix("").parts
        return parts[0]

    @property
    def place(self) -> str:
        """`package/folder/file.py`, as findings and ratchets name it."""
        return self.path.relative_to(self.package.parent).as_posix()


@dataclass(frozen=True)
class Import:
    """One imported name, made absolute; `nested` when it stands inside a function or a class."""

    target: str
    line: int
    nested: bool

    @property
    def root(self) -> str:
        """The top-level package."""
        return self.target.partition(".")[0]

    def is_in(self, package: str) -> bool:
        """Whether the import reaches this package or something in it."""
        return self.target == package or self.target.startswith(package + ".")


def modules(*packages: Path) -> list[Module]:
    """Every module of the packages. Fails on a package without one: such a check would prove nothing."""
    found: list[Module] = []
    for package in packages:
        paths = [path for path in sorted(package.rglob("*.py")) if not SKIPPED & set(path.parts)]
        assert paths, f"nothing to look at in {package}"
        found.extend(Module(path, package, _parse(path, path.stat().st_mtime_ns)) for path in paths)
    return found


@cache
def _parse(path: Path, _changed: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(module: Module) -> Iterator[Import]:
    """Every import of a module, wherever it stands; `from a import b` counts as `a.b`."""
    for node, nested in _with_nesting(module.tree, False):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, nested)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(module, node)
            for alias in node.names:
                yield Import(f"{origin}.{alias.name}", node.lineno, nested)


def _with_nesting(node: ast.AST, nested: bool) -> Iterator[tuple[ast.AST, bool]]:
    inside = nested or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield child, inside
        yield from _with_nesting(child, inside)


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    keep = len(parts) - node.level + (module.path.stem == "__init__")
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def is_vendor(target: Import, *ours: str) -> bool:
    """Whether an import is neither of the standard library nor one of ours."""
    return target.root not in sys.stdlib_module_names and target.root not in ours


def write_package(folder: Path, files: dict[str, str]) -> Path:
    """An example package for a checker: contents by path; answers the package folder."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    return folder
