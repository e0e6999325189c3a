"""What is found of an app: its modules, and none of its tests."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.trusted_folders import make_importable
from framework_m_core.domain.errors import ConfigurationError
from tests.errors import assert_names


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """An empty package, called after the test."""
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / str(request.node.name)
    folder.mkdir()
    (folder / "__init__.py").touch()
    return folder


def test_what_stands_in_src_comes_before_the_folder_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "src").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project.entry-points."framework_m.apps"]\nshop = "shop"\n')
    found = discovery.discover(tmp_path)
    assert not {str(tmp_path / "src"), str(tmp_path)} & {*sys.path}
    make_importable(found, {})
    assert sys.path[:2] == [str(tmp_path / "src"), str(tmp_path)]


def write(package: Path, module: str, source: str = "") -> None:
    file = package / module
    for folder in (*reversed(file.relative_to(package).parents[:-1]),):
        (package / folder).mkdir(exist_ok=True)
        (package / folder / "__init__.py").touch()
    file.write_text(source)


def test_tests_are_passed_over_with_all_that_is_in_them(package: Path) -> None:
    for module in ("doctypes/order.py", "contests.py", "sales/deep/plan.py"):
        write(package, module)
    for module in (
        "tests/__init__.py",
        "tests/test_order.py",
        "tests/fixtures/made.py",
        "sales/tests/test_plan.py",
        "sales/deep/tests/__init__.py",
        "conftest.py",
        "sales/conftest.py",
        "__main__.py",
    ):
        write(package, module, "raise AssertionError('imported in production')")
    found = [module.__name__ for module in discovery.modules_of(importlib.import_module(package.name))]
    assert [name.removeprefix(package.name) for name in found] == [
        "", ".contests", ".doctypes", ".doctypes.order", ".sales", ".sales.deep", ".sales.deep.plan",
    ]  # fmt: skip


def test_a_module_that_cannot_be_imported_is_named(package: Path) -> None:
    write(package, "sales/plan.py", "1 / 0")
    with pytest.raises(ConfigurationError) as refused:
        list(discovery.modules_of(importlib.import_module(package.name)))
    assert_names(refused.value, f"{package.name}.sales.plan", "ZeroDivisionError")


_DATED = """from __future__ import annotations
from datetime import date
from framework_m import DocType, Field

class Loan(DocType):
    date: date | None = {default}
"""


@pytest.mark.parametrize("default", ["None", "Field(default=None)"])
@pytest.mark.parametrize("is_lazy", [False, True])
def test_a_field_that_hides_its_type_is_told_so(package: Path, default: str, is_lazy: bool) -> None:
    source = _DATED.format(default=default)
    write(package, "loan.py", source if is_lazy else source.partition("\n")[2])
    with pytest.raises(ConfigurationError) as refused:
        list(discovery.modules_of(importlib.import_module(package.name)))
    assert_names(refused.value, f"{package.name}.loan", "date: Date")
