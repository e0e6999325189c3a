"""The running CRM, and a copy of `frontend` with its tools and built packages."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.generators.conftest import Workspace
from tests.generators.node_tools import node_modules, npm_command, tool_environment
from tests.journeys.docs.pages import Page
from tests.journeys.product import ROOT, Product, copy_crm, email

FRONTEND = ROOT / "frontend"
PAGE = Page(ROOT / "docs/user/front-ends.md")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs the tests, so that the server and the tools are started and installed once."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("front_ends"))


@pytest.fixture(scope="session")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The running CRM."""
    folder = tmp_path_factory.mktemp("crm")
    product = Product(copy_crm(folder), f"sqlite:///{folder / 'crm.db'}")
    try:
        product.create_users({"manager": ("Sales Manager",)})
        product.start()
        yield product
    finally:
        product.kill()


@pytest.fixture(scope="session")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of `frontend` with its tools, and its packages built and packed as the page says."""
    modules = node_modules(FRONTEND)
    folder = tmp_path_factory.mktemp("frontend") / "frontend"
    shutil.copytree(FRONTEND, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (folder / "node_modules").symlink_to(modules)
    environment = tool_environment(modules)
    npm = folder.parent / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\nexec {shlex.join(npm_command())} "$@"\n', encoding="utf-8")
    npm.chmod(0o755)
    built = Workspace(folder, environment | {"PATH": f"{npm.parent}:{environment['PATH']}"})
    (commands,) = [block.text for block in PAGE.blocks if block.language == "sh"]
    built.run("sh", "-ec", f"cd ..\n{commands.replace('npm ci', 'test -d node_modules')}")
    return built


@pytest.fixture
def beside_crm(frontend: Workspace, crm: Product) -> Workspace:
    """The copy, with what its tests need to know of the CRM."""
    told = {
        "CRM_ADDRESS": crm.address,
        "CRM_TOKEN": crm.token("manager"),
        "CRM_EMAIL": email("manager"),
        "CRM_PASSWORD": crm.passwords["manager"],
    }
    return Workspace(frontend.folder, {**frontend.environment, **told})
