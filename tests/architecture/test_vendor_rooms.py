"""Rule 5: each vendor is imported in its one folder, so that removing a technology removes a folder."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import CLIENT, FACADE, MONGO, STANDARD, STUDIO, imports, is_vendor, modules

ROOMS: Mapping[str, set[str]] = {
    "sqlalchemy": {"sql"},
    "alembic": {"sql"},
    "asyncpg": {"sql"},
    "asyncmy": {"sql"},
    "sqlite3": {"sql"},
    "litestar": {"http"},
    "backports": {"http"},
    "compression": {"http"},
    "uvicorn": {"http", "cli"},
    "watchfiles": {"http", "cli"},
    "uvloop": {"http", "cli"},
    "httptools": {"http", "cli"},
    "argon2": {"auth"},
    "jwt": {"auth"},
    "structlog": {"logs"},
    "redis": {"redis"},
    "nats": {"nats"},
    "cyclopts": {"cli"},
    "jinja2": {"scaffolding"},
    "tomlkit": {"settings_file"},
}
ANYWHERE = {"framework_m_core", "framework_m_standard", "pydantic", "pydantic_core", "msgspec"}
"""Ours, and the two that only shape values."""


VARIANTS: Mapping[Path, set[str]] = {MONGO: {"pymongo", "bson"}}
"""The packages of a store of their own, with their vendors: nobody else imports them."""


def check_vendor_rooms(*packages: Path) -> list[str]:
    """Vendors outside their room, and third-party packages that have no room yet."""
    errors = []
    for module in modules(*packages):
        for item in imports(module):
            rooms = ROOMS.get(item.root)
            if rooms is not None and module.room not in rooms:
                errors.append(f"{module.place}:{item.line}: {item.root} belongs to {', '.join(sorted(rooms))}")
            elif rooms is None and _is_unknown(item.root, module.package.name):
                errors.append(f"{module.place}:{item.line}: {item.root} has no room in the list of vendors")
    return errors


def foreign_vendors(package: Path, *allowed: str) -> list[str]:
    """Return the third-party imports of a package that it may not have."""
    return [
        f"{module.place}:{item.line}: {item.root}"
        for module in modules(package)
        for item in imports(module)
        if is_vendor(item, package.name, *allowed)
    ]


def unused_vendors(*packages: Path) -> set[str]:
    """Listed vendors that nobody imports: a stale list would hide a typing error in a name."""
    return set(ROOMS) - {item.root for module in modules(*packages) for item in imports(module)}


def _is_unknown(root: str, own: str) -> bool:
    return root not in sys.stdlib_module_names and root not in ANYWHERE and root != own


def test_each_vendor_stays_in_its_room() -> None:
    assert check_vendor_rooms(STANDARD, FACADE, STUDIO) == []


def test_the_client_needs_httpx_alone_and_can_use_pydantic() -> None:
    assert foreign_vendors(CLIENT, "httpx", "pydantic") == []


@pytest.mark.parametrize(("package", "vendors"), VARIANTS.items(), ids=lambda one: getattr(one, "name", ""))
def test_a_variant_imports_its_vendor_and_core_alone(package: Path, vendors: set[str]) -> None:
    known = {"framework_m_core", "pydantic", "pydantic_core", package.name}
    found = {item.root for module in modules(package) for item in imports(module)} - sys.stdlib_module_names
    assert found - known == vendors


def test_the_rooms_that_matter_are_in_use() -> None:
    assert not {"sqlalchemy", "litestar", "argon2"} & unused_vendors(STANDARD, FACADE)


def test_a_stray_and_an_unknown_vendor_fail(package: MakePackage) -> None:
    folder = package(
        {
            "http/app.py": "import litestar\nfrom sqlalchemy import text\nimport requests\nimport json\n",
            "sql/engine.py": "import sqlite3\nimport sqlalchemy.ext.asyncio\n",
        }
    )
    assert check_vendor_rooms(folder) == [
        "sample/http/app.py:2: sqlalchemy belongs to sql",
        "sample/http/app.py:3: requests has no room in the list of vendors",
    ]
    assert unused_vendors(folder) == set(ROOMS) - {"litestar", "sqlalchemy", "sqlite3"}
    assert foreign_vendors(folder, "litestar", "sqlalchemy") == ["sample/http/app.py:3: requests"]
