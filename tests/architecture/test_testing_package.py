"""Rule 6: what tests the product, or writes code for it, is no part of the product."""

from __future__ import annotations

from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import PRODUCTION, imports, modules

TEST_ONLY = {"framework_m_studio", "framework_m_testing", "pytest", "hypothesis", "unittest", "tests"}


def check_no_test_code(*packages: Path) -> list[str]:
    """Imports of test packages and developer tools in production code."""
    return [
        f"{module.place}:{item.line}: production code imports {item.root}"
        for module in modules(*packages)
        for item in imports(module)
        if item.root in TEST_ONLY
    ]


def test_production_code_imports_no_test_package() -> None:
    assert check_no_test_code(*PRODUCTION) == []


def test_a_fake_in_production_fails(package: MakePackage) -> None:
    folder = package({"memory/cache.py": "def f():\n    from framework_m_testing.fakes import FakeCache\n"})
    assert check_no_test_code(folder) == ["sample/memory/cache.py:2: production code imports framework_m_testing"]
