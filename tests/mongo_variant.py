"""`framework-mx-mongo` as if it were installed, for processes that a test starts: the workspace does not install it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1] / "libs/framework-mx-mongo/pyproject.toml"


def read_project() -> dict[str, Any]:
    """Return the metadata of the distribution, with its entry points by group."""
    project: dict[str, Any] = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    return project


def install_variant(folder: Path) -> Path:
    """Write what an installer writes of a distribution, its entry points, and return the folder for PYTHONPATH."""
    project = read_project()
    info = folder / f"framework_mx_mongo-{project['version']}.dist-info"
    info.mkdir(parents=True)
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    return folder
