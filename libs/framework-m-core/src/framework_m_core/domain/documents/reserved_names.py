"""Names that declarations cannot take, whatever the store in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

__all__ = ["FRAMEWORK_TABLES", "RESERVED_NAMES", "check_reserved_doctype", "check_reserved_field"]

RESERVED_NAMES: Final = frozenset(
    [
        "activity",
        "aggregate",
        "auth",
        "bulk",
        "config",
        "export",
        "file",
        "health",
        "import",
        "jobs",
        "meta",
        "metrics",
        "notifications",
        "print",
        "ready",
        "rpc",
        "schema",
        "search",
        "settings",
        "share",
        "stream",
        "tree",
        "workflow",
    ]
)
"""First path segments of the fixed routes."""

FRAMEWORK_TABLES: Final = frozenset({"activitylog"})
"""Tables of the framework that a DocType's name could spell; the others hold an underscore."""

_STORE_FIELDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"), "PostgreSQL"),
    **dict.fromkeys(("oid", "rowid"), "SQLite"),
    **dict.fromkeys(("db_roll_ptr", "db_row_id", "db_trx_id"), "MariaDB"),
}
"""Columns that every table has, by the store that keeps them."""

_UNQUOTED: Final = frozenset({"nothing", "returning"})


def check_reserved_doctype(name: str) -> Iterator[str]:
    """Yield an error if the name of a DocType is that of a fixed route or a table of the framework."""
    if name.lower() in RESERVED_NAMES:
        yield f"the name {name!r} is reserved by a route of the framework: choose another"
    if name.lower() in FRAMEWORK_TABLES:
        yield f"the name {name!r} is taken by a table of the framework: choose another"


def check_reserved_field(name: str) -> Iterator[str]:
    """Yield an error if a store keeps the name of a field for itself."""
    if store := _STORE_FIELDS.get(name):
        yield f"field {name!r} is a column that {store} keeps in every table: choose another name"
    if name in _UNQUOTED:
        yield f"field {name!r} is a keyword of SQLite that some tools do not quote: choose another name"
