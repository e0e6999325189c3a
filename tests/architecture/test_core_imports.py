"""Rule 2: core imports no vendor and no sibling, and importing it does not load the container."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import CORE, imports, is_vendor, modules

EVERYWHERE = {"pydantic", "pydantic_core"}
ROOMS = {"cli": {"cyclopts"}, "container": {"dependency_injector"}}


def check_core_imports(package: Path) -> list[str]:
    """Third-party and sibling imports, but for the few that core's rooms may have."""
    return [
        f"{module.place}:{item.line}: core does not import {item.root} in {module.room}"
        for module in modules(package)
        for item in imports(module)
        if is_vendor(item, package.name) and item.root not in EVERYWHERE | ROOMS.get(module.room, set())
    ]


def loaded_by(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after a statement."""
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_core_imports_no_vendor_and_no_sibling() -> None:
    assert check_core_imports(CORE) == []


def test_importing_core_does_not_load_the_container() -> None:
    loaded = loaded_by("import framework_m_core")
    assert "framework_m_core" in loaded
    assert not {"dependency_injector", "framework_m_core.container", "cyclopts"} & loaded


def test_a_loaded_vendor_is_seen() -> None:
    assert "cyclopts" in loaded_by("import cyclopts")


def test_vendors_and_siblings_fail(package: MakePackage) -> None:
    folder = package(
        {
            "services/queries.py": "import sqlalchemy\nimport framework_m_standard.sql\nimport pydantic\n",
            "container/app.py": "import pydantic_core\nimport cyclopts\n",
            "cli/main.py": "import cyclopts\n",
        }
    )
    assert check_core_imports(folder) == [
        "sample/container/app.py:2: core does not import cyclopts in container",
        "sample/services/queries.py:1: core does not import sqlalchemy in services",
        "sample/services/queries.py:2: core does not import framework_m_standard in services",
    ]
