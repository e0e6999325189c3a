"""Rule 3: what does the work never sees the container; it gets its collaborators as arguments."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import CORE, STANDARD, imports, modules

WORKING_ROOMS = {"services", "registry", "controllers", "interfaces", "domain"}
COMPOSING_ROOMS = {"bootstrap", "steps", "cli"}


def check_container_hidden(package: Path, core: str, rooms: Collection[str]) -> list[str]:
    """Imports of the container, or of its library, from these rooms."""
    looked_at = [module for module in modules(package) if module.room in rooms]
    assert looked_at, f"nothing to look at in {package}"
    return [
        f"{module.place}:{item.line}: {module.room} sees the container"
        for module in looked_at
        for item in imports(module)
        if item.is_in(f"{core}.container") or item.root == "dependency_injector"
    ]


def test_core_rooms_never_see_the_container() -> None:
    assert check_container_hidden(CORE, CORE.name, WORKING_ROOMS) == []


def test_technology_folders_never_see_the_container() -> None:
    technologies = {module.room for module in modules(STANDARD)} - COMPOSING_ROOMS
    assert check_container_hidden(STANDARD, CORE.name, technologies) == []


def test_a_service_that_resolves_fails(package: MakePackage) -> None:
    folder = package(
        {
            "services/a.py": "def f():\n    from sample.container import app\n",
            "registry/b.py": "import dependency_injector.providers\n",
            "bootstrap/c.py": "from sample.container import app\n",
        }
    )
    assert check_container_hidden(folder, "sample", WORKING_ROOMS) == [
        "sample/registry/b.py:1: registry sees the container",
        "sample/services/a.py:2: services sees the container",
    ]


def test_no_room_to_look_at_fails(package: MakePackage) -> None:
    with pytest.raises(AssertionError, match="nothing to look"):
        check_container_hidden(package({"cli/a.py": ""}), "sample", WORKING_ROOMS)
