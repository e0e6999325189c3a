"""The data providers of docs/user/front-ends.md compile strictly, need no package, and do what their tests say."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path

import pytest

from tests.front_ends.conftest import PAGE
from tests.generators.conftest import Workspace
from tests.journeys.product import ROOT

pytestmark = pytest.mark.slow

PACKAGES = ("ra-data-provider", "refine-data-provider")
EXAMPLES = {"ra-data-provider": "react-admin", "refine-data-provider": "refine"}
"""The heading of the page under which the example of a package stands."""


@pytest.mark.parametrize("package", ["shared", *PACKAGES])
def test_its_own_tests(beside_crm: Workspace, package: str) -> None:
    told = beside_crm.run("node", "--test", f"packages/{package}/test/*.test.ts")
    assert int(re.findall(r"^ℹ pass (\d+)$", told, re.MULTILINE)[0]) > 5


def test_sources_and_tests_compile_strictly(frontend: Workspace) -> None:
    frontend.run("npm", "run", "check")


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_needed_at_run_time(frontend: Workspace, package: str) -> None:
    folder = frontend.folder / "packages" / package
    described = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    assert "dependencies" not in described and len(described["peerDependencies"]) == 1
    built = sorted((folder / "dist").rglob("*.js"))
    imported = {name for path in built for name in re.findall(r'from "([^"]+)"', path.read_text(encoding="utf-8"))}
    assert imported and all(name.startswith(".") for name in imported)


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_packed_works_alone(frontend: Workspace, package: str, tmp_path: Path) -> None:
    (archive,) = frontend.folder.glob(f"framework-m-{package}-*.tgz")
    target = tmp_path / "node_modules" / "@framework-m" / package
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    target.parent.mkdir(parents=True)
    (tmp_path / "package").rename(target)
    assert {path.name for path in target.iterdir()} == {"LICENSE", "README.md", "package.json", "dist"}
    alone = Workspace(tmp_path, frontend.environment)
    program = f'const it = await import("@framework-m/{package}"); console.log(Object.keys(it).join())'
    told = alone.run("node", "--input-type=module", "-e", program)
    assert told.strip() == "ProblemError,VersionConflictError,createDataProvider"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_example_of_the_page_compiles(frontend: Workspace, package: str) -> None:
    (example,) = [block.text for block in PAGE.blocks if block.language == "tsx" and block.heading == EXAMPLES[package]]
    place = frontend.folder / "packages" / package / "examples"
    place.mkdir(exist_ok=True)
    (place / "app.tsx").write_text(example, encoding="utf-8")
    frontend.run("tsc", "-p", ".")


def test_every_example_of_the_page_is_compiled() -> None:
    assert [block.heading for block in PAGE.blocks if block.language == "tsx"] == list(EXAMPLES.values())


def test_versions_are_those_of_the_framework() -> None:
    versions = {
        json.loads((ROOT / "frontend/packages" / name / "package.json").read_text(encoding="utf-8"))["version"]
        for name in PACKAGES
    }
    assert [
        f'version = "{version}"' in (ROOT / "libs/framework-m/pyproject.toml").read_text() for version in versions
    ] == [True]
