"""Examples in docstrings run as they are written, and what app authors import first has one."""

from __future__ import annotations

import doctest
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import framework_m
from tests.architecture.source_tree import SOURCES

SHOWN = (
    *("And", "Comparison", "Controller", "DocType", "Not", "Or", "RequestContext", "UserAttribute", "ValidationError"),
    *(name for name in framework_m.__all__ if inspect.isfunction(getattr(framework_m, name))),
)
FILES = [(package, file) for package in SOURCES for file in sorted(package.rglob("*.py")) if ">>> " in file.read_text()]


def _examples(package: Path, file: Path) -> list[doctest.DocTest]:
    parts = file.relative_to(package.parent).with_suffix("").parts
    module = import_module(".".join(parts).removesuffix(".__init__"))
    return [found for found in doctest.DocTestFinder(exclude_empty=True).find(module) if found.examples]


def _failures(test: doctest.DocTest) -> str:
    told: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    return "".join(told)


@pytest.mark.parametrize(("package", "file"), FILES, ids=[file.stem for _, file in FILES])
def test_examples_do_what_they_show(package: Path, file: Path) -> None:
    found = _examples(package, file)
    assert sum(len(test.examples) for test in found) == file.read_text().count(">>> ")
    assert [_failures(test) for test in found] == [""] * len(found)


@pytest.mark.parametrize("name", SHOWN)
def test_what_app_authors_import_first_has_an_example(name: str) -> None:
    assert doctest.DocTestParser().get_examples(inspect.getdoc(getattr(framework_m, name)) or "")


def test_the_functions_are_among_them() -> None:
    assert {"Field", "on", "requires_permission", "rpc", "whitelist", "write_stage"} <= set(SHOWN)


def test_an_example_that_shows_something_else_fails() -> None:
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert "Expected:\n    3\nGot:\n    2" in _failures(wrong)
