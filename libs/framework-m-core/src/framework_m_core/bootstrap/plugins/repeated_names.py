"""Names that a module of an app declares twice, of which Python keeps only the last."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from types import ModuleType
from typing import Final

__all__ = ["find_repeated_names"]

_DECLARED: Final = re.compile(
    r"^(?P<indent>[ \t]*)(?:(?:class|(?:async )?def)[ \t]+(?P<name>\w+)"
    r"|(?P<field>(?!(?:else|try|finally)\b)\w+)[ \t]*:)",
    re.MULTILINE,
)

_SHARING: Final = frozenset({"overload", "property", "setter", "getter", "deleter"})
"""Decorators of functions that have one name together."""

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)

type _Named = tuple[str, int]
"""A name and the line that declares it."""


def find_repeated_names(module: ModuleType, names: Collection[str]) -> Iterator[str]:
    """Yield an error for each of the names that a module declares twice, and for what their classes declare twice.

    A module without source has none.
    """
    source = _source_of(module)
    if not _may_repeat(source):  # a parser would take longer than the import
        return
    tree = ast.parse(source)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name in names]
    functions = [node for node in tree.body if isinstance(node, _FUNCTIONS) and node.name in names]
    yield from _repeated(module.__name__, [(node.name, node.lineno) for node in (*classes, *functions)])
    for node in classes:
        yield from _repeated(f"{module.__name__}.{node.name}", _members(node))


def _members(declared: ast.ClassDef) -> Iterator[_Named]:
    """Yield the fields, hooks, methods and classes of a class, without the parts of properties and overloads."""
    for node in declared.body:
        if isinstance(node, ast.ClassDef) or (isinstance(node, _FUNCTIONS) and not _shares_name(node)):
            yield node.name, node.lineno
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.lineno


def _shares_name(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a function is a part of a property, or an overload."""
    names = [one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in function.decorator_list]
    return not _SHARING.isdisjoint(names)


def _source_of(module: ModuleType) -> str:
    read = getattr(getattr(module.__spec__, "loader", None), "get_source", None)
    return (read(module.__name__) or "") if read else ""


def _may_repeat(source: str) -> bool:
    """Return whether a text declares a name twice in one place, as far as its lines tell."""
    seen: set[tuple[str, str]] = set()
    outer = ""
    for found in _DECLARED.finditer(source):
        if not found["indent"]:
            outer = found["name"] or outer
        key = (outer if found["indent"] else "", found["name"] or found["field"])
        if key in seen:
            return True
        seen.add(key)
    return False


def _repeated(where: str, declared: Iterable[_Named]) -> Iterator[str]:
    lines: dict[str, list[int]] = {}
    for name, line in declared:
        lines.setdefault(name, []).append(line)
    for name, places in lines.items():
        if len(places) > 1:
            at = ", ".join(map(str, sorted(places)))
            yield f"{where}: {name!r} is declared in lines {at}, and only the last would count: rename or remove one"
