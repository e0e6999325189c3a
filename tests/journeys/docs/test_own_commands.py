"""The package with commands of its own that the page of the command line shows."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

from tests.journeys.docs.pages import Page
from tests.journeys.docs.shell import clean_environment
from tests.journeys.product import ROOT, M


def test_the_package_with_own_commands_adds_them(tmp_path: Path) -> None:
    page = Page(ROOT / "docs/user/cli.md")
    project = tomllib.loads(_text(page, "toml"))["project"]
    (tmp_path / "acme_stock.py").write_text(_text(page, "python"))
    info = tmp_path / "acme_stock-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    points = ((group, name, target) for group, names in groups for name, target in names.items())
    (info / "entry_points.txt").write_text("".join(f"[{group}]\n{name} = {target}\n" for group, name, target in points))
    environment = {**clean_environment(tmp_path), "PYTHONPATH": str(tmp_path)}

    def said(*words: str) -> str:
        done = subprocess.run([M, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    assert "What is on the shelves." in said("--help")
    assert said("stock", "count", "chairs", "--at-least", "3") == "chairs: 3 or more\n"
    assert said("info", "stock") == "full\n"


def _text(page: Page, language: str) -> str:
    return next(block.text for block in page.blocks if block.language == language)
