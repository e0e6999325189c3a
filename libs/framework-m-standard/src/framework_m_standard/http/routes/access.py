"""The permission table: every route, its action, and the status for each kind of caller.

The routes come from the tables of operations on documents and of fixed routes, the statuses from `access.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from framework_m_standard.http.documents.operation import Operation
from framework_m_standard.http.documents.operation_table import list_document_operations
from framework_m_standard.http.routes.table import FIXED_ROUTES, FixedRoute

__all__ = ["CALLERS", "Caller", "RouteAccess", "list_route_access", "list_unguarded_paths"]

type Caller = Literal["anonymous", "no_grant", "outside_scope", "not_this", "allowed"]
CALLERS: Final = ("anonymous", "no_grant", "outside_scope", "not_this", "allowed")

_SUCCESS: Final = "success"
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


def list_route_access() -> tuple[RouteAccess, ...]:
    """Return all routes, those for documents first."""
    return (*_document_routes(), *_fixed_routes())


def _document_routes() -> Iterator[RouteAccess]:
    for one in list_document_operations():
        status = _statuses(_kind(one), one.statuses[0])
        yield RouteAccess(one.method, one.template, one.name, one.action, status, one.variant)


def _fixed_routes() -> Iterator[RouteAccess]:
    for one in FIXED_ROUTES:
        yield RouteAccess(one.method, one.path, one.name, one.action, _statuses(_fixed_kind(one), one.status))


def _statuses(kind: str, success: int) -> dict[str, int]:
    return {caller: success if status == _SUCCESS else status for caller, status in _file()[kind].items()}


def _kind(operation: Operation) -> str:
    verb = "read" if operation.action == "read" else "change"
    return f"{verb}_{'one' if operation.names_document else 'many'}"


def _fixed_kind(one: FixedRoute) -> str:
    if one.action in _UNGUARDED:
        return "open"
    return f"{one.action}_doctype" if "doctype" in one.parameters else one.action


@cache
def _file() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("access.toml").read_text(encoding="utf-8"))


def list_unguarded_paths() -> frozenset[bytes]:
    """Return the paths whose request headers are not checked for credentials: open routes, and logins by body."""
    return frozenset(route.path.encode() for route in FIXED_ROUTES if route.action in _UNGUARDED)
