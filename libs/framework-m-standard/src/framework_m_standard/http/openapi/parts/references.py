"""References to components: making, moving and following them, and titles that no two schemas share."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from framework_m_core.services.metadata.schemas import KEYWORD_PREFIX

__all__ = ["reference_of", "rename_default", "retarget", "select_used_components", "with_titles"]

_PREFIX: Final = "#/components/"
_SCHEMAS: Final = f"{_PREFIX}schemas/"
_WORD: Final = re.compile(r"[A-Za-z0-9]+")


def reference_of(name: str) -> dict[str, Any]:
    """Return a reference to a schema of the components."""
    return {"$ref": _SCHEMAS + name}


def rename_default(described: dict[str, Any]) -> None:
    """Let the default of a property stand under a word of ours, except null, which is clear without."""
    default = described.pop("default", None)
    if default is not None:
        described[f"{KEYWORD_PREFIX}default"] = default


def retarget(node: Any, old: str, new: str) -> Any:
    """Return a schema whose references below `old` point below `new`, a prefix of names of component schemas."""
    if isinstance(node, dict):
        return {
            key: _SCHEMAS + new + item.removeprefix(old)
            if isinstance(item, str) and item.startswith(old)
            else retarget(item, old, new)
            for key, item in node.items()
        }
    return [retarget(item, old, new) for item in node] if isinstance(node, list) else node


def with_titles(schemas: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the schemas with titles that no two share, since generators name classes after them.

    Where words of two names are the same, that of a DocType stays as it is and the other gets a number.
    """
    titles: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(schemas, key=lambda name: "-" in name):
        title = wanted = "".join(word[0].upper() + word[1:] for word in _WORD.findall(name))
        numbers = itertools.count(2)
        while title.lower() in taken:
            title = f"{wanted}{next(numbers)}"
        taken.add(title.lower())
        titles[name] = title
    return {name: {**schema, "title": titles[name]} for name, schema in schemas.items()}


def select_used_components(paths: Mapping[str, Any], components: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the components that the paths need, in their order."""
    needed: set[str] = set()
    pending = [*_references(paths)]
    while pending:
        target = pending.pop()
        if target not in needed:
            needed.add(target)
            kind, _, name = target.removeprefix(_PREFIX).partition("/")
            pending += _references(components[kind][name])
    return {
        kind: {name: one for name, one in named.items() if f"{_PREFIX}{kind}/{name}" in needed}
        for kind, named in components.items()
    }


def _references(node: Any) -> Iterator[str]:
    """Yield the components that a part of the document refers to, in `$ref` or in a discriminator's mapping."""
    if isinstance(node, dict):
        for item in node.values():
            yield from _references(item)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, str) and node.startswith(_PREFIX):
        yield node
