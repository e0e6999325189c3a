"""Every code block is run or checked: by a story, or by its language."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from framework_m.container import container
from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import APPS, discover
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.controllers.controller import Controller
from framework_m_core.controllers.declaration import declarations_of
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.extensions import Extensions
from framework_m_core.spi import Action, ExtNamespace, FieldType
from framework_m_standard.doctypes.base_doctype import BaseDocType
from framework_m_standard.doctypes.user import User
from tests.journeys.docs.pages import PAGES, Block, Page, blocks_of
from tests.journeys.docs.test_stories import STORIES
from tests.journeys.product import ROOT
from tests.mongo_variant import install_variant

ELSEWHERE = {
    "docs/developer/writing-adapters.md": "tests/isolation/test_new_packages.py",
    "docs/user/deployment.md": "tests/journeys/test_proxy.py",
    "docs/user/front-ends.md": "tests/front_ends/test_packages.py",
    "docs/user/http-api.md": "tests/generators/test_clients.py",
    "docs/user/migrations.md": "tests/upgrade/test_page.py",
}
"""Pages whose commands another test runs."""

FOLLOWED = {story.page for story in STORIES}
SHOWN = {"text"}
"""Languages of what is shown and not done."""

CHECKED = {"python", "toml"}
"""Languages that are checked wherever they stand, unless they are a file of a story."""


def unrun(page: str, blocks: Iterable[Block]) -> list[str]:
    """The blocks of a page that nothing runs."""
    return [
        f"{page}: {block.language or 'a block without a language'}: {block.text.splitlines()[0]}"
        for block in blocks
        if block.language not in SHOWN and not _is_run(page, block)
    ]


def _is_run(page: str, block: Block) -> bool:
    if block.language in CHECKED and not block.file:
        return True
    if page in ELSEWHERE:
        return block.language in {"sh", "nginx", "tsx"}
    return page in FOLLOWED and block.language in {*CHECKED, "sh", "json"}


def with_blocks(*languages: str) -> list[Any]:
    """The pages that have blocks of a language which belong to no story."""
    found = [Page(path) for path in PAGES]
    return [
        pytest.param(page, id=page.name)
        for page in found
        if any(block.language in languages and not block.file for block in page.blocks)
    ]


def texts(page: Page, language: str) -> list[str]:
    """The texts of these blocks."""
    return [block.text for block in page.blocks if block.language == language and not block.file]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: Page(path).name)
def test_every_block_is_run(path: Path) -> None:
    assert unrun(Page(path).name, Page(path).blocks) == []


def test_a_page_that_is_run_elsewhere_is_named_there() -> None:
    for page, test in ELSEWHERE.items():
        assert Path(page).name in (ROOT / test).read_text()


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("```sh\nls\n```\n", "docs/user/doctypes.md"),
        ("```json\n{}\n```\n", "docs/user/doctypes.md"),
        ("```\nls\n```\n", "docs/user/cli.md"),
        ("```http\nGET /\n```\n", "docs/user/cli.md"),
        ("```python\n# src/shop.py\n```\n", "docs/user/doctypes.md"),
        ("1. so:\n\n   ```yaml\n   a: 1\n   ```\n", "README.md"),
    ],
)
def test_a_block_that_nothing_runs_is_told(text: str, page: str) -> None:
    assert len(unrun(page, blocks_of(text))) == 1
    assert unrun(page, blocks_of("```text\nanything\n```\n")) == []


def test_a_fence_that_is_not_closed_is_told() -> None:
    with pytest.raises(ValueError, match="not closed"):
        list(blocks_of("```sh\nls\n"))


@pytest.fixture
def restored_overrides() -> Iterator[None]:
    """Take back what a page overrides: it is imported into the process of the tests."""
    before = {one.path for one in container.recorded}
    yield
    for path in {one.path for one in container.recorded} - before:
        container.discard(path)


@pytest.mark.parametrize("page", with_blocks("python"))
def test_the_declarations_on_a_page_can_be_registered(page: Page, restored_overrides: None) -> None:
    module = ModuleType(f"docs_{page.path.stem}")
    module.__file__ = str(page.path)
    sys.modules[module.__name__] = module
    for text in texts(page, "python"):
        exec(compile(text, page.name, "exec"), vars(module))
    members = list(vars(module).values())
    builder, declared = RegistryBuilder(_extensions(members)), 0
    for one in members:
        for declaration in declarations_of(one):
            declaration.register(builder, one, "shop")
        if not isinstance(one, type) or one.__module__ not in {module.__name__, User.__module__}:
            continue
        if getattr(one, "_is_protocol", False) or one.__name__.endswith("Settings"):
            builder.add_injectable(one)
        if issubclass(one, Controller):
            builder.add_controller(one)
        elif issubclass(one, BaseDocType):
            builder.add_doctype(one, "docs")
            declared += 1
    assert len(builder.freeze().doctypes) <= declared


def _extensions(members: Iterable[Any]) -> Extensions:
    """What a page adds to DocTypes."""
    found = list(members)
    types = [one for one in found if isinstance(one, type) and issubclass(one, FieldType) and one is not FieldType]
    return Extensions(
        tuple(one() for one in types),
        tuple(one for one in found if isinstance(one, Action)),
        tuple(one for one in found if isinstance(one, ExtNamespace)),
    )


@pytest.mark.parametrize("page", with_blocks("toml"))
def test_the_settings_and_entry_points_on_a_page_are_known(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page.name == "docs/user/mongodb.md":
        monkeypatch.syspath_prepend(install_variant(tmp_path / "installed"))
        monkeypatch.setattr(discovery, "_installed", discovery._installed.__wrapped__)  # kept for the process
    for text in texts(page, "toml"):
        written = tomllib.loads(text)
        if "project" in written:
            points = written["project"]["entry-points"]
            an_app = "" if APPS in points else f'[project.entry-points."{APPS}"]\nshop = "shop"\n'
            (tmp_path / "pyproject.toml").write_text(text + an_app)
            assert discover(tmp_path).entries.keys() >= points.keys()
        else:
            (tmp_path / "framework_config.toml").write_text(text)
            assert load_settings(tmp_path, {"SHOP_SECRET": "0123456789abcdef" * 3}).origins
