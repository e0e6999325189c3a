"""What the README and the pages for users say, done."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from framework_m_core.bootstrap.settings import load_settings
from framework_m_core.controllers.controller import Controller
from framework_m_core.controllers.event_handler import handler_marks
from framework_m_core.controllers.rpc import call_mark
from framework_m_core.registry.builder import RegistryBuilder
from framework_m_standard.doctypes.base_doctype import BaseDocType
from tests.journeys.product import ROOT, M, Product, free_port

PAGES = sorted((ROOT / "docs" / "user").glob("*.md"))


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def test_the_twenty_line_app_of_the_readme_works(tmp_path: Path) -> None:
    readme = ROOT / "README.md"
    (tmp_path / "pyproject.toml").write_text(blocks(readme, "toml")[0])
    (tmp_path / "shop.py").write_text(blocks(readme, "python")[0])
    create, start = blocks(readme, "sh")[2].strip().splitlines()
    assert "m user create you@example.com --role Buyer --password-stdin" in create and start == "m start"
    product = Product(tmp_path, f"sqlite:///{tmp_path / 'shop.db'}", port=free_port())
    password = re.findall("echo '(.*?)'", create)[0]
    product.m("user", "create", "you@example.com", "--role", "Buyer", "--password-stdin", stdin=password + "\n")
    product.start()
    try:
        login = {"username": "you@example.com", "password": password}
        token = httpx.post(f"{product.address}/api/v1/auth/login", json=login).json()["access_token"]
        with httpx.Client(base_url=product.address, headers={"authorization": f"Bearer {token}"}) as client:
            made = client.post("/api/v1/Product", json={"title": "Chair", "price": "249.00"}).json()
            assert (made["name"], made["margin"]) == ("PROD-0001", "99.60")
            listed = client.get("/api/v1/Product", params={"order_by": "-price", "fields": "title,price"}).json()
            assert [item["title"] for item in listed["items"]] == ["Chair"]
    finally:
        product.kill()


@pytest.mark.slow
def test_the_commands_on_the_page_of_the_command_line_work(tmp_path: Path) -> None:
    page = ROOT / "docs" / "user" / "cli.md"
    lines = "".join(blocks(page, "sh"))
    assert "\nm start\n" in lines
    script = "set -eu\n" + lines.replace("\nm start\n", "\n")  # served in tests/journeys/test_new_app.py
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=clean_environment(tmp_path), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "created the app shop" in done.stdout
    assert "bash completes `m` by" in done.stdout
    assert (tmp_path / "shop/src/shop/doctypes/order.py").exists()
    assert "port = 8080" in (tmp_path / "shop/framework_config.toml").read_text()


def test_the_package_with_own_commands_on_that_page_adds_them(tmp_path: Path) -> None:
    page = ROOT / "docs" / "user" / "cli.md"
    project = tomllib.loads(blocks(page, "toml")[0])["project"]
    (tmp_path / "acme_stock.py").write_text(blocks(page, "python")[0])
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


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of somebody who has installed the packages and configured nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("M_") and name != "DATABASE_URL"}
    return {**kept, "HOME": str(home), "PATH": f"{M.parent}:{os.environ['PATH']}"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_declarations_on_a_page_can_be_registered(page: Path) -> None:
    module = ModuleType(f"docs_{page.stem}")
    sys.modules[module.__name__] = module
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), vars(module))
    builder = RegistryBuilder()
    declared = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
    for one in list(vars(module).values()):
        if handler_marks(one):
            builder.add_handler(one)
        if call_mark(one):
            builder.add_function(one)
    for one in declared:
        if getattr(one, "_is_protocol", False):
            builder.add_port(one)
        if issubclass(one, Controller):
            builder.add_controller(one)
        elif issubclass(one, BaseDocType):
            builder.add_doctype(one, "docs")
    assert len(builder.freeze().doctypes) <= len(declared)


def test_the_settings_on_the_configuration_page_are_settings(tmp_path: Path) -> None:
    shown = blocks(ROOT / "docs" / "user" / "configuration.md", "toml")[0]
    (tmp_path / "framework_config.toml").write_text(shown)
    settings = load_settings(tmp_path, {"SHOP_SECRET": "s" * 40})
    assert settings.production
    stated = {(section, key) for section, key in settings.origins}
    known = {
        (section, key)
        for section, model in settings.sections.items()
        for key in type(model).model_fields
        if section != "adapters"
    }
    assert known <= stated, "a setting is not on the page"


def test_the_reference_is_what_its_script_writes() -> None:
    spec = importlib.util.spec_from_file_location("generate_reference", ROOT / "scripts" / "generate_reference.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (ROOT / "docs" / "reference" / "access.md").read_text() == script.access_page()
