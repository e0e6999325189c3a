"""The pages that are made from the code are what the code makes of them today."""

from __future__ import annotations

import json
import os

import pytest
from pydantic import BaseModel, Field

from scripts.reference.configuration import settings_table
from tests.commands import run_python
from tests.journeys.product import ROOT

FOLDER = ROOT / "docs" / "reference"
WRITTEN_ELSEWHERE = {"benchmarks.md", "contracts.md"}
"""By `make bench` and `make contracts-table`."""

PROGRAM = """
import json
from scripts.reference.pages import PAGES
print(json.dumps({name: page() for name, page in PAGES.items()}))
"""


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """Each page, in a process whose commands nobody has called yet."""
    done = run_python(PROGRAM, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_the_pages_are_what_make_reference_writes(made: dict[str, str]) -> None:
    stale = [name for name, text in made.items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run `make reference`"


def test_no_other_page_stands_there(made: dict[str, str]) -> None:
    assert {page.name for page in FOLDER.glob("*.md")} == made.keys() | WRITTEN_ELSEWHERE


def test_what_the_code_says_is_on_them(made: dict[str, str]) -> None:
    assert "| `port` | whole number, at least 0, at most 65535 | `8000` | `M_HTTP__PORT` |" in made["configuration.md"]
    assert "## `m migrate create MESSAGE`" in made["cli.md"]
    assert "## `m config set SETTING VALUE`" in made["cli.md"]
    assert "| `scale` | `int` |" in made["doctypes.md"]
    assert "| 409 | `version_conflict` |" in made["errors.md"]


class _Provider(BaseModel):
    client_id: str | None = Field(default=None, description="The app's name there.")
    limits: dict[str, int] = Field(default={"a": 1}, description="By name.")


class _SignIn(BaseModel):
    google: _Provider
    others: dict[str, _Provider]


def test_a_setting_in_a_table_has_a_row_with_its_path_and_variable() -> None:
    rows = [*settings_table("sign_in", _SignIn)]
    for row in (
        "| `google.client_id` | text | | `M_SIGN_IN__GOOGLE__CLIENT_ID` | The app's name there. |",
        "| `google.limits` | table of whole number | `{ a = 1 }` | `M_SIGN_IN__GOOGLE__LIMITS` | By name. |",
        "| `others.<name>.client_id` | text | | `M_SIGN_IN__OTHERS__<NAME>__CLIENT_ID` | The app's name there. |",
    ):
        assert row in rows, row
