"""A context is made by what begins work, through the one factory that knows the registry; others inherit it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import PRODUCTION, Module, modules

MAKERS = {"RequestContext", "make_system_context"}
FACTORY = {"framework_m_core/domain/context.py", "framework_m_core/registry/handle.py"}
BEFORE_ANY_REGISTRY = {"framework_m_standard/auth/records.py:_GLOBAL"}
"""Callers are identified before it is known what they ask for."""


def contexts_made(module: Module) -> Iterator[str]:
    """The places in a module that make a context by themselves."""
    for top in module.tree.body:
        name = ast.unparse(top.target) if isinstance(top, ast.AnnAssign) else getattr(top, "name", "")
        for node in ast.walk(top):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in MAKERS:
                yield f"{module.place}:{name}"


def check_contexts(*packages: Path) -> list[str]:
    """Return the places that make contexts past the factory."""
    return [place for module in modules(*packages) if module.place not in FACTORY for place in contexts_made(module)]


def test_only_the_factory_makes_contexts() -> None:
    assert set(check_contexts(*PRODUCTION)) == BEFORE_ANY_REGISTRY


def test_a_context_made_elsewhere_fails(package: MakePackage) -> None:
    folder = package({"edge.py": "def serve(who):\n    return RequestContext(who)\n"})
    assert check_contexts(folder) == ["sample/edge.py:serve"]
