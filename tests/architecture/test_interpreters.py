"""Newer interpreters are tested, not refused."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml

from tests.architecture.source_tree import ROOT

PROJECTS = sorted([*ROOT.glob("libs/*/pyproject.toml"), *ROOT.glob("examples/*/pyproject.toml")])


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_no_package_refuses_a_newer_python(project: Path) -> None:
    assert tomllib.loads(project.read_text())["project"]["requires-python"] == ">=3.12"


def test_classifiers_name_what_the_pipeline_tests() -> None:
    pipeline = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
    tested = pipeline[".pythons"]["parallel"]["matrix"][0]["PYTHON_VERSION"]
    for project in ROOT.glob("libs/*/pyproject.toml"):
        classifiers = tomllib.loads(project.read_text())["project"]["classifiers"]
        prefix = "Programming Language :: Python :: "
        assert [line.removeprefix(prefix) for line in classifiers if line.startswith(prefix)] == tested


def test_the_pipeline_isolates_what_make_isolation_does() -> None:
    pipeline = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
    suites = {path.stem.removeprefix("test_") for path in ROOT.glob("tests/isolation/test_*.py")}
    assert {*pipeline["isolation"]["parallel"]["matrix"][0]["SUITE"]} == suites
    assert "--ignore=tests/isolation" in pipeline["test"]["variables"]["ARGS"].split()
