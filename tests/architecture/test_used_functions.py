"""No public function or method is left that nothing calls: its name is used outside of the functions of that name.

Names are compared, not types, so that a method may hide behind another of its name; what is found is surely unused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import NamedTuple

import pytest

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import CORE, ROOT, SOURCES, STANDARD, Module, modules

EXAMPLES = (ROOT / "examples",)
TEXTS = (*ROOT.glob("libs/*/pyproject.toml"), *ROOT.glob("docs/user/*.md"))
"""Entry points, and the pages whose code says what apps may call."""

EXEMPT = {
    "reset_override": "a provider's method as dependency-injector names it, for the tests of apps",
}
_PLAIN = {
    *("property", "cached_property", "setter", "staticmethod", "classmethod", "overload", "abstractmethod", "override"),
    *("contextmanager", "asynccontextmanager", "cache", "lru_cache", "wraps"),
}
"""Decorators that call nothing; any other registers the function with its caller."""
_CODE = re.compile(r"""```.*?```|`[^`]+`|"[^"\n]+\"""", re.DOTALL)
"""Code in Markdown, and texts in TOML."""

type Function = ast.FunctionDef | ast.AsyncFunctionDef
type IsOverride = Callable[["Defined"], bool]


class Defined(NamedTuple):
    """A public function of a module, or method of a class."""

    name: str
    module: Module
    owner: str
    node: Function


def find_unused(
    defining: Iterable[Module], using: Iterable[Module], texts: str, is_override: IsOverride = lambda _: False
) -> list[str]:
    """Return the names of public functions and methods that are not used, nor named by code in texts."""
    defined = [one for module in defining for one in _defined(module)]
    assert defined, "nothing to look at"
    used = {name for module in using for name in _used(module.tree, ())}
    allowed = {one.name for one in defined if one.name not in used and (_is_registered(one.node) or is_override(one))}
    named = {name for code in _CODE.findall(texts) for name in re.findall(r"\w+", code)}
    return sorted({one.name for one in defined} - used - allowed - named)


def _defined(module: Module) -> Iterator[Defined]:
    for node in module.tree.body:
        owner, body = (node.name, node.body) if isinstance(node, ast.ClassDef) else ("", [node])
        for one in body:
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and not one.name.startswith("_"):
                yield Defined(one.name, module, owner, one)


def _used(node: ast.AST, within: tuple[str, ...]) -> Iterator[str]:
    """Yield the names in a tree; those inside a function of the same name do not count, nor those in `__all__`."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                continue
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
                found = [name]
            case ast.Constant(value=str() as text):
                found = [text.rpartition(":")[2]]  # for `getattr`, and places as `module:function`
            case _:
                found = []
        yield from (name for name in found if name not in within)
        inside = (child.name,) if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else ()
        yield from _used(child, (*within, *inside))


def _is_registered(node: Function) -> bool:
    return any(_name_of(decorator) not in _PLAIN for decorator in node.decorator_list)


def _name_of(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def overrides_library(defined: Defined) -> bool:
    """Return whether a method takes the place of one of a library's class, which calls it."""
    owner = getattr(import_module(defined.module.name), defined.owner, object)
    parents = [parent for parent in owner.__mro__ if not parent.__module__.startswith("framework_m")]
    return any(defined.name in vars(parent) for parent in parents)


def test_every_public_function_is_used() -> None:
    texts = "\n".join(path.read_text(encoding="utf-8") for path in TEXTS)
    found = find_unused(modules(CORE, STANDARD), modules(*SOURCES, *EXAMPLES), texts, overrides_library)
    assert found == sorted(EXEMPT)


@pytest.mark.parametrize(
    ("source", "unused"),
    [
        ("def left(): ...", ["left"]),
        ("def left(): left()", ["left"]),
        ("class A:\n    def left(self): ...\n    def kept(self): ...\nA().kept()", ["left"]),
        ("class A:\n    def left(self): self.inner.left()", ["left"]),
        ("__all__ = ['left']\ndef left(): ...", ["left"]),
        ("class A:\n    @property\n    def left(self): ...", ["left"]),
        ("def kept(): ...\nkept()", []),
        ("def kept(): ...\nkeep = kept", []),
        ("def kept(): ...\ngetattr(x, 'kept')", []),
        ("APP = 'a.module:kept'\ndef kept(): ...", []),
        ("@app.command\ndef kept(): ...", []),
        ("@app.command(name='k')\ndef kept(): ...", []),
        ("def documented(): ...", []),
    ],
)
def test_what_nothing_calls_is_found(package: MakePackage, source: str, unused: list[str]) -> None:
    found = modules(package({"a.py": source}))
    assert find_unused(found, found, "`documented()` not left") == unused


def test_a_method_of_a_library_is_called_by_it() -> None:
    [module] = [one for one in modules(STANDARD / "http/server") if one.path.stem == "bounded_protocol"]
    defined = [
        one for one in _defined(Module(module.path, STANDARD, module.tree)) if one.owner == "BoundedHttpProtocol"
    ]
    assert {one.name for one in defined if overrides_library(one)} >= {"connection_made", "on_headers_complete"}
    assert not overrides_library(defined[0]._replace(name="unheard_of"))


def test_nothing_is_exempt_without_a_reason() -> None:
    assert [name for name, reason in EXEMPT.items() if len(reason.split()) < 3] == []
