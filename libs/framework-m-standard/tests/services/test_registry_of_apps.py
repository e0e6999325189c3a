"""A change of the registry in an opened application, with the framework's own `build_registry` and roles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from framework_m import DocType
from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.app_modules import register_app
from framework_m_core.controllers.event_handler import on
from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.context import make_system_context
from framework_m_core.domain.events import DocCreated, Interest
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_core.services.events.turn import LEASE
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.registry_changes import RegistryChanges
from framework_m_testing.deliveries import drain_all

_CONTEXT = make_system_context("a test", source="cli")


class Ledger(DocType):
    text: str = ""

    class Meta:
        permissions = {"read": ["Bookkeeper", "Auditor"]}


HANDLED: list[str] = []


@on("Ledger", DocCreated)
async def _note(event: DocCreated, documents: object) -> None:
    HANDLED.append(event.doctype)


def _with_ledger(app: Application) -> Registry:
    builder = RegistryBuilder()
    for choice in app.settings.discovered.find_choices(discovery.APPS):
        if choice.distribution == "framework-m-standard":
            register_app(builder, choice)
    builder.add_doctype(Ledger, "books")
    builder.add_handler(_note, "books")
    return builder.freeze(app.registry)


async def _roles(app: Application) -> set[str]:
    found = await app.queries.list(_CONTEXT, "Role", ListRequest(fields=("name",)))
    return {role["name"] for role in found.items}


def _changes(app: Application) -> RegistryChanges:
    changes: RegistryChanges = app.container.get("registry_changes")
    return changes


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Mapping[str, str]:
    """The settings of each store."""
    match request.param:
        case "memory":
            return {"M_ADAPTERS__STORE": "memory"}
        case "postgres":
            return {"DATABASE_URL": str(request.getfixturevalue("empty_postgres_url"))}
    return {"DATABASE_URL": f"sqlite:///{tmp_path / 'store.db'}"}


async def test_roles_that_only_the_new_registry_names_have_documents(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    async with open_application(tmp_path, environment=environment) as app:
        assert not {"Bookkeeper", "Auditor"} & await _roles(app)
        await _changes(app).apply(_with_ledger(app))
        assert {"Bookkeeper", "Auditor"} <= await _roles(app)
        await _changes(app).apply(_with_ledger(app))
        assert app.registry.get("Ledger").model is Ledger


async def test_handlers_of_the_new_registry_get_its_first_event(environment: Mapping[str, str], tmp_path: Path) -> None:
    """Their consumer is stored before anybody can write by the new registry, and not when a worker follows."""
    HANDLED.clear()
    async with open_application(tmp_path, environment=environment) as app:
        consumers = app.container.get("consumers")
        await consumers.register({"older": Interest(["*"])}, system_clock())
        await _changes(app).apply(_with_ledger(app))
        assert "books.handlers" in [state.name for state in await consumers.read_states(system_clock(), LEASE)]
        await app.documents.create(_CONTEXT, "Ledger", {})
        await drain_all(app.container.get("event_delivery"))
        assert HANDLED == ["Ledger"]


async def test_a_process_rebuilds_what_its_classes_declare(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path / 'store.db'}"}
    async with (
        open_application(tmp_path, environment=environment) as writer,
        open_application(tmp_path, environment=environment) as other,
    ):
        before = other.registry
        await _changes(writer).apply(_with_ledger(writer))
        assert await _changes(other).follow()
        assert not await _changes(other).follow()
        assert other.registry is not before
        assert other.registry.doctypes["Role"] is before.doctypes["Role"], "unchanged DocTypes are reused"
