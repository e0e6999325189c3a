"""Running example apps, and folders with their OpenAPI document, the tools and the programs of the tests."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.generators.node_tools import node_modules, tool_environment
from tests.journeys.product import Product, copy_example

_CLIENTS = Path(__file__).parent / "clients"
_SECONDS = 120
APPS: Mapping[str, tuple[str, ...]] = {
    "crm": ("Administrator", "Sales Manager"),
    "todo": ("Administrator", "Todo User"),
}
"""The example apps, and the roles of the caller whose document is taken."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs the tests, so that servers and tools are started and installed once."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("generators"))


@dataclass(frozen=True)
class Workspace:
    """A folder with an app's document, the programs of the tests, and the environment of commands."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *command: str) -> str:
        """Run a command and return what it printed. Fails the test with its output unless it succeeds."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}", pytrace=False)
        return done.stdout + done.stderr


@pytest.fixture(scope="session", params=APPS)
def app(request: pytest.FixtureRequest) -> str:
    """The name of an example app."""
    return str(request.param)


@pytest.fixture(scope="session")
def server(app: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The running app."""
    folder = tmp_path_factory.mktemp(app)
    product = Product(copy_example(app, folder), f"sqlite:///{folder / 'app.db'}")
    try:
        product.create_users({"ada": APPS[app]})
        product.start()
        yield product
    finally:
        product.kill()


@pytest.fixture(scope="session")
def document(server: Product) -> str:
    """The document of a caller who may do everything."""
    with server.client("ada") as client:
        return json.dumps(client.get("/schema/openapi.json").raise_for_status().json())


@pytest.fixture
def workspace(server: Product, document: str, tmp_path: Path) -> Workspace:
    """An empty place for what a tool makes of the document."""
    modules = node_modules()
    shutil.copytree(_CLIENTS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "openapi.json").write_text(document, encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(modules)
    told = {"CRM_ADDRESS": server.address, "CRM_TOKEN": server.token("ada"), "PYTHONPATH": str(tmp_path)}
    return Workspace(tmp_path, tool_environment(modules) | told)
