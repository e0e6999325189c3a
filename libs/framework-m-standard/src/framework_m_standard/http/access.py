"""The permission table of `access.toml`: every route, its action, and the status for each kind of caller."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

__all__ = ["CALLERS", "DOCUMENTS", "Caller", "RouteAccess", "access_table", "document_access", "unguarded_paths"]

type Caller = Literal["anonymous", "no_grant", "outside_scope", "not_this", "allowed"]
CALLERS: Final = ("anonymous", "no_grant", "outside_scope", "not_this", "allowed")

DOCUMENTS: Final = "/api/v1/{doctype}"
"""How the path of every route for documents begins."""

_UNGUARDED: Final = frozenset({"none", "login"})


@dataclass(frozen=True, slots=True)
class RouteAccess:
    """One route: `action` is a permission action, or `login`, `none` or `authenticated`."""

    method: str
    path: str
    operation: str
    action: str
    status: Mapping[str, int]
    query: str = ""

    @property
    def below_document(self) -> tuple[str, ...]:
        """The segments after the DocType, such as `("{id}", "submit")`."""
        return tuple(self.path.removeprefix(DOCUMENTS).split("/")[1:])


@cache
def access_table() -> tuple[RouteAccess, ...]:
    """All routes, as the file lists them."""
    text = Path(__file__).with_name("access.toml").read_text(encoding="utf-8")
    return tuple(RouteAccess(**entry) for entry in tomllib.loads(text)["route"])


def document_access() -> tuple[RouteAccess, ...]:
    """The routes for documents, without their variants."""
    return tuple(route for route in access_table() if route.path.startswith(DOCUMENTS) and not route.query)


def unguarded_paths() -> frozenset[bytes]:
    """Paths on which credentials are not looked at, or are those in the body."""
    return frozenset(route.path.encode() for route in access_table() if route.action in _UNGUARDED)
