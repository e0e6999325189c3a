"""`m info` over the standard distribution and a small app."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.errors import assert_names

from .conftest import RunM

APP = '''"""A shop."""

from framework_m import Controller, DocType, Field, consumer, event_type, write_stage
from pydantic import BaseModel


@event_type("shop.packed")
class Packed(BaseModel):
    box: str


@consumer("search", "shop.packed")
async def index(event, documents):
    pass


@write_stage("closed_periods", before="validate")
async def refuse(write):
    pass


class Article(DocType):
    """What is sold."""

    code: str = Field(unique=True, in_list=True)
    price: int = Field(default=0, permlevel=1)

    class Meta:
        naming = "field:code"
        permissions = {"read": {"Clerk": "own", "Boss": "all"}}
        field_levels = {1: {"read": ["Boss"]}}


class Packing(DocType):
    """How it is packed."""

    box: str

    class Meta:
        is_child_table = True


class Parcel(DocType):
    packings: list[Packing] = []


class ArticleController(Controller[Article]):
    async def validate(self) -> None:
        pass
'''


@pytest.fixture
def _shop(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text(APP)
    project = '[project]\nname = "shop"\n[project.entry-points."framework_m.apps"]\nshop = "shop"\n'
    (tmp_path / "pyproject.toml").write_text(project)


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.mark.usefixtures("_shop")
def test_the_summary_names_the_app_and_its_doctypes(run_m: RunM, tmp_path: Path) -> None:
    shown = run_m("info")
    assert shown.returncode == 0
    assert "apps shop" in lines(shown.stdout)
    assert "environment development" in lines(shown.stdout)
    assert "Article" in shown.stdout
    assert "child tables 1: Packing" in lines(shown.stdout)
    assert "event types 1: shop.packed" in lines(shown.stdout)
    assert "consumers 1: search" in lines(shown.stdout)
    assert "stages 1: closed_periods" in lines(shown.stdout)
    assert not (tmp_path / ".m").exists()


@pytest.mark.usefixtures("_shop")
def test_the_summary_names_the_apps_that_are_loaded(run_m: RunM, tmp_path: Path) -> None:
    (tmp_path / "framework_config.toml").write_text("[framework]\napps = []\n")
    shown = run_m("info")
    assert "apps (none)" in lines(shown.stdout)
    assert "Article" not in shown.stdout


def test_verbose_shows_each_step_and_each_binding(run_m: RunM) -> None:
    shown = lines(run_m("info", "--verbose").stdout)
    assert "10 init_engine framework-m-standard for store = default" in shown
    assert "20 init_registries framework-m-standard" in shown
    assert "permission default framework_m_standard.auth.rbac:RbacPermission by default framework-m-standard" in shown
    assert "cache default framework_m_standard.memory.cache:MemoryCache by default framework-m-standard" in shown
    assert (
        "event_bus default framework_m_standard.memory.event_bus:MemoryEventBus by default framework-m-standard"
        in shown
    )
    assert shown.index("58 run_consumers framework-m-standard") < shown.index("60 run_relay framework-m-standard")


DECORATED = """
from dataclasses import dataclass
from framework_m_core.spi import declare


@dataclass(frozen=True)
class Nightly:
    def register(self, registrar, declared, app):
        registrar.add(self, declared, app)


def tidy(): ...


declare(tidy, Nightly())
"""


@pytest.mark.usefixtures("_shop")
def test_verbose_shows_what_decorators_of_packages_declare_by_app(run_m: RunM, tmp_path: Path) -> None:
    assert "declarations of packages" not in run_m("info", "--verbose").stdout
    (tmp_path / "shop" / "jobs.py").write_text(DECORATED)
    shown = lines(run_m("info", "--verbose").stdout)
    assert shown[shown.index("declarations of packages") + 1] == "shop Nightly shop.jobs.tidy"


def test_steps_of_a_store_that_is_not_chosen_are_left_out(run_m: RunM) -> None:
    shown = lines(run_m("info", "--verbose", variables={"M_ADAPTERS__STORE": "memory"}).stdout)
    assert "25 init_memory framework-m-standard for store = memory" in shown
    assert not [line for line in shown if "init_engine" in line or "init_store" in line]


def test_an_explicit_choice_shows_what_it_outranked(run_m: RunM) -> None:
    shown = lines(run_m("info", "--verbose", variables={"M_ADAPTERS__PERMISSION": "default"}).stdout)
    rbac = "framework_m_standard.auth.rbac:RbacPermission"
    assert f"permission default {rbac} by config, outranks default (default) framework-m-standard" in shown


@pytest.mark.usefixtures("_shop")
@pytest.mark.parametrize(
    ("variables", "bound", "told"),
    [
        ({}, "by variant strong, outranks memory (variant weak), default (default)", "replaces sync_schema"),
        ({"M_ADAPTERS__STORE": "default"}, "by config, outranks memory (variant strong), memory", "outranked for all"),
    ],
    ids=["variants", "config"],
)
def test_variants_show_what_they_chose_replaced_and_outranked(
    run_m: RunM, tmp_path: Path, variables: dict[str, str], bound: str, told: str
) -> None:
    with (tmp_path / "pyproject.toml").open("a") as project:
        project.write(
            '[project.entry-points."framework_m.variants"]\nstrong = "shop.mx:STRONG"\nweak = "shop.mx:WEAK"\n'
        )
    (tmp_path / "shop" / "mx.py").write_text(
        'STRONG = {"adapters": {"store": "memory"}, "priority": 2, "replaces": ["sync_schema"]}\n'
        'WEAK = {"adapters": {"store": "memory"}, "priority": 1}\n'
    )
    shown = lines(run_m("info", "--verbose", variables=variables).stdout)
    assert [line for line in shown if line.startswith("reader ") and bound in line] != [], shown
    assert [line for line in shown if line.startswith("variant strong of shop, priority 2") and told in line] != []
    assert bool([line for line in shown if line.startswith("30 sync_schema")]) is bool(variables)


@pytest.mark.usefixtures("_shop")
def test_a_doctype_is_shown_whole(run_m: RunM) -> None:
    shown = lines(run_m("info", "doctype", "Article").stdout)
    assert shown[0] == "Article: What is sold."
    for line in (
        "declared in shop.Article",
        "naming field:code",
        "controller shop.ArticleController: validate",
        "code text required, unique, in_list",
        "price integer level 1",
        "read Clerk (own), Boss (all)",
        "own means owner is the caller's",
    ):
        assert line in shown, line


@pytest.mark.usefixtures("_shop")
def test_a_child_table_is_shown_with_its_parents(run_m: RunM) -> None:
    shown = lines(run_m("info", "doctype", "Packing").stdout)
    assert shown[0] == "Packing: How it is packed."
    assert "rows of Parcel" in shown and "box text required" in shown and "permissions" not in shown


@pytest.mark.usefixtures("_shop")
def test_a_misspelt_doctype_is_guessed(run_m: RunM) -> None:
    refused = run_m("info", "doctype", "Artcle")
    [told] = refused.stderr.splitlines()
    assert refused.returncode == 1
    assert_names(told, "m", "'Artcle'", "'Article'")


def test_help_is_not_slowed_by_what_is_installed(run_m: RunM) -> None:
    shown = run_m("--help").stdout
    for command in ("start", "prod", "user", "info", "config"):
        assert any(line.split()[1:2] == [command] and len(line.split()) > 3 for line in shown.splitlines()), command
