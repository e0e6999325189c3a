"""A decorator that a package brings: found in each app's modules, read by its step, and kept by a registry swap."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.app_modules import register_app
from framework_m_core.bootstrap.plugins.discovery import Choice
from framework_m_core.domain.context import ANONYMOUS, make_system_context
from framework_m_core.domain.errors import AuthenticationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.services.registry_changes import RegistryChanges
from tests.journeys.docs.pages import blocks_of
from tests.journeys.product import ROOT

ACME = ROOT / "tests/third_parties/acme-indexer"
CONTEXT = make_system_context("a test", source="cli")
PROJECT = """
    [project]
    name = "{name}"
    version = "0.1.0"
    [project.entry-points."framework_m.apps"]
    {name} = "{name}"
    [project.entry-points."framework_m.bootstrap"]
    init_indexer = "acme_indexer:InitIndexer"
"""
APP = """
    from acme_indexer import indexed
    from framework_m_core.spi import RequestContext

    from framework_m import CacheProtocol, Documents, DocType


    class {doctype}(DocType):
        title: str = ""


    @indexed("{doctype}")
    async def words(
        document: dict, cache: CacheProtocol, documents: Documents, context: RequestContext
    ) -> list[str]:
        await cache.set("indexed", document["title"])
        await cache.set("by", context.principal.id)
        stored = await documents.get("{doctype}", document["id"])
        return stored["title"].lower().split()
"""
DOCUMENTED = """
    [project]
    name = "shop"
    version = "0.1.0"
    [project.entry-points."framework_m.apps"]
    shop = "shop"
    [project.entry-points."framework_m.ports"]
    rates = "shop:ExchangeRates"
    [project.entry-points."framework_m.adapters.rates"]
    default = "shop:FixedRates"
    [project.entry-points."framework_m.settings"]
    shop = "shop:ShopSettings"
    [project.entry-points."framework_m.bootstrap"]
    init_nightly = "shop:InitNightly"
"""
MEMORY = {"M_ADAPTERS__STORE": "memory"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two apps, each with a function of its own that the package's decorator marks."""
    for name, doctype in (("books", "Book"), ("films", "Film")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text(dedent(PROJECT.format(name=name)))
        (tmp_path / name / f"{name}.py").write_text(dedent(APP.format(doctype=doctype)))
    monkeypatch.syspath_prepend(str(ACME / "src"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in {"books", "films", "acme_indexer"}]:
        del sys.modules[name]


def _open(folder: Path) -> AbstractAsyncContextManager[Application]:
    return open_application(folder, roles=["indexer"], environment=MEMORY)


async def test_a_step_reads_what_its_decorator_declares(folder: Path) -> None:
    async with _open(folder / "books") as app:
        index = app.container.get("index")
        book = await app.documents.create(CONTEXT, "Book", {"title": "Dune Messiah"})
        assert index.doctypes == ["Book"]
        assert await index.read_words(CONTEXT, "Book", book) == ["dune", "messiah"]
        assert await app.container.get("cache").get("indexed") == "Dune Messiah", "ports are injected"
        assert await app.container.get("cache").get("by") == CONTEXT.principal.id, "and the context of the step"


async def test_documents_are_those_of_the_context_that_the_step_states(folder: Path) -> None:
    async with _open(folder / "books") as app:
        book = await app.documents.create(CONTEXT, "Book", {"title": "Dune"})
        with pytest.raises(AuthenticationError):
            await app.container.get("index").read_words(replace(CONTEXT, principal=ANONYMOUS), "Book", book)


async def test_two_apps_in_one_process_do_not_see_each_others(folder: Path) -> None:
    async with _open(folder / "books") as books, _open(folder / "films") as films:
        assert books.container.get("index").doctypes == ["Book"]
        assert films.container.get("index").doctypes == ["Film"]


async def test_it_follows_a_swap_of_the_registry(folder: Path) -> None:
    async with _open(folder / "books") as app:
        index, changes, before = app.container.get("index"), _changes(app), app.registry
        assert index.doctypes == ["Book"]
        await changes.apply(await app.container.get("build_registry")(before))
        assert app.registry is not before
        assert index.doctypes == ["Book"], "declared by the same classes"
        builder = RegistryBuilder()
        sys.path.append(str(folder / "films"))
        for choice in (*app.settings.discovered.find_choices(discovery.APPS), Choice("films", "films", "films")):
            register_app(builder, choice)
        await changes.apply(builder.freeze(app.registry))
        assert index.doctypes == ["Book", "Film"]


def _changes(app: Application) -> RegistryChanges:
    changes: RegistryChanges = app.container.get("registry_changes")
    return changes


async def test_the_documented_decorator_is_run_with_its_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs/user/extending.md").read_text().partition("## Stages of writes")[0]
    (tmp_path / "shop.py").write_text("\n".join(block.text for block in blocks_of(page) if block.language == "python"))
    (tmp_path / "pyproject.toml").write_text(dedent(DOCUMENTED))
    monkeypatch.setattr(sys, "path", [*sys.path])
    try:
        async with open_application(tmp_path, roles=["worker"], environment=MEMORY) as app:
            runs = app.container.get("nightly_runs")
            await runs.run_hour(2)
            assert capsys.readouterr().out == ""
            await runs.run_hour(3)
            assert capsys.readouterr().out == "1 0\n"
        monkeypatch.chdir(tmp_path)
        await sys.modules["shop"].test_the_rates_are_refreshed_at_three()
        assert capsys.readouterr().out == "1 0\n", "a test opens the app as a worker"
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "nightly"], "the step is closed"
    finally:
        sys.modules.pop("shop", None)
