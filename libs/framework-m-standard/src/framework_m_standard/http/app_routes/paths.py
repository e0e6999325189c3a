"""Checks on the paths of app routes: none may collide with the framework's own routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from framework_m_core.domain.documents.reserved_names import RESERVED_NAMES

__all__ = ["check_path", "pattern_of"]

_PARAMETER: Final = re.compile(r"\{[^}]*\}")
_ROOTS: Final = frozenset({"", "-", "app", "health", "metrics", "ready", "schema", "studio"})
_API: Final = frozenset({"", "meta", "workflow"})
_VERSIONED: Final = RESERVED_NAMES | {""}


def pattern_of(path: str) -> str:
    """Return a path with its parameters made equal: two paths of one shape match the same requests."""
    return _PARAMETER.sub("{}", path)


def check_path(path: str) -> Iterator[str]:
    """Yield an error if an app may not use a path."""
    first, second, third, *_ = [*pattern_of(path).split("/")[1:], "", "", ""]
    if first != "api":
        if first in _ROOTS or first == "{}":
            yield f"{path} is the framework's own: expected a path such as /shop/…"
    elif second != "v1":
        if second in _API or second == "{}":
            yield f"{path} is the framework's own: expected a path such as /api/shop/…"
    elif third in _VERSIONED or third == "{}":
        yield f"{path} is the framework's own: expected a path such as /api/v1/shop/…"
    elif third[:1].isupper():
        yield f"{path} is the path of a DocType {third}: expected a lower-case name"
