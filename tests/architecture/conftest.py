"""Examples that break the rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.source_tree import write_package

type MakePackage = Callable[[dict[str, str]], Path]


@pytest.fixture
def package(tmp_path: Path) -> MakePackage:
    """Writes a small package from paths and contents."""
    return lambda files: write_package(tmp_path / "sample", files)
