"""The permission table: every route, its action, and the status for each kind of caller.

Operations on documents come from their own table, all other routes and the statuses from `access.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from framework_m_standard.http.documents.operation import Operation
from framework_m_standard.http.documents.operations import document_operations

__all__ = ["CALLERS", "Caller", "RouteAccess", "access_table", "fixed_routes", "unguarded_paths"]

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


def access_table() -> tuple[RouteAccess, ...]:
    """Return all routes, those for documents first."""
    return (*_document_routes(), *fixed_routes())


def fixed_routes() -> tuple[RouteAccess, ...]:
    """Return the routes other than those for documents, in the order of the file."""
    return tuple(RouteAccess(**entry) for entry in _file()["route"])


def _document_routes() -> Iterator[RouteAccess]:
    for one in document_operations():
        status = {
            caller: one.statuses[0] if status == _SUCCESS else status
            for caller, status in _file()["documents"][_kind(one)].items()
        }
        yield RouteAccess(one.method, one.template, one.name, one.action, status, one.variant)


def _kind(operation: Operation) -> str:
    verb = "read" if operation.action == "read" else "change"
    return f"{verb}_{'one' if operation.names_document else 'many'}"


@cache
def _file() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("access.toml").read_text(encoding="utf-8"))


def unguarded_paths() -> frozenset[bytes]:
    """Return the paths whose request headers are not checked for credentials: open routes, and logins by body."""
    return frozenset(route.path.encode() for route in fixed_routes() if route.action in _UNGUARDED)
