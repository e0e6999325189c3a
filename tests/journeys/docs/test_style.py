"""Python that the pages show passes `m lint` of a new app, so that it can be copied."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.journeys.docs.pages import PAGES, Page
from tests.journeys.product import ROOT

TEMPLATE = ROOT / "libs/framework-m-studio/src/framework_m_studio/templates/app/pyproject.toml.jinja"
PART = ("F821", "S101")
"""What a part of a file, or a test that is shown outside `tests/`, may do: use names of blocks above it, and assert."""


def test_python_on_the_pages_passes_the_lint_of_a_new_app(tmp_path: Path) -> None:
    template = TEMPLATE.read_text(encoding="utf-8")
    settings = template[template.index("[tool.ruff]") : template.index("[tool.mypy]")]
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\nrequires-python = ">=3.12"\n{settings}')
    pages = [Page(path) for path in PAGES if path.is_relative_to(ROOT / "docs" / "user")]
    for page in pages:
        for number, block in enumerate(page.blocks):
            if block.language == "python":
                file = tmp_path / page.path.stem.replace("-", "_") / f"block_{number}.py"
                file.parent.mkdir(exist_ok=True)
                file.write_text(block.text, encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise"]
    done = subprocess.run(
        [*command, "--extend-ignore", ",".join(PART), "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(tmp_path.glob("*/*.py"))) > 30, "no blocks were found"
