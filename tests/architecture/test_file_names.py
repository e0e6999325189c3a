"""A name says what a file serves: the grab-bags' names are taken by nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import ROOT, SKIPPED

GRAB_BAGS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}
SUFFIXES = {".py", ".pyi", ".ts", ".tsx", ".js", ".mjs", ".css"}
PLACES = ("libs", "tests", "benchmarks", "examples", "scripts", "frontend")


def check_names(*places: Path) -> list[str]:
    """Source files and folders that carry a grab-bag's name."""
    paths = [path for place in places for path in place.rglob("*") if not _skipped(path.relative_to(place))]
    sources = [path for path in paths if path.is_dir() or path.suffix in SUFFIXES]
    assert sources, f"nothing to look at in {places}"
    return [f"{path}: name it after what it serves" for path in sources if path.stem.lower() in GRAB_BAGS]


def _skipped(path: Path) -> bool:
    return bool(SKIPPED & set(path.parts)) or any(part.startswith(".") for part in path.parts)


def test_no_file_or_folder_is_a_grab_bag() -> None:
    assert check_names(*(ROOT / place for place in PLACES if (ROOT / place).is_dir())) == []


def test_a_grab_bag_file_and_folder_fail(package: MakePackage) -> None:
    folder = package({"sql/utils.py": "", "common/engine.py": "", "sql/basement.py": ""})
    assert {error.split(":")[0] for error in check_names(folder)} == {
        str(folder / "sql/utils.py"),
        str(folder / "common"),
    }


def test_an_empty_place_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="nothing to look"):
        check_names(tmp_path)
