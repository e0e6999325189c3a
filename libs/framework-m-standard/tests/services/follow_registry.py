"""A worker process whose registry has the DocType Extra as soon as there is a role of this name.

It says `ready`, then `Extra` once it has the DocType. With the argument `change` it first makes the role and publishes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from pathlib import Path

from framework_m import DocType
from framework_m_core.bootstrap.application import open_application
from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.app_modules import register_app
from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.container.container import Container
from framework_m_core.domain.context import make_system_context
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.registry_changes import Build, RegistryChanges


class Extra(DocType):
    text: str = ""


async def _build(queries: QueryService, settings: Settings, previous: Registry) -> Registry:
    found = await queries.list(
        make_system_context("build the registry", source="cli"), "Role", ListRequest(fields=("name",))
    )
    builder = RegistryBuilder()
    for choice in settings.discovered.find_choices(discovery.APPS):
        if choice.distribution == "framework-m-standard":
            register_app(builder, choice)
    if any(role["name"] == "Extra" for role in found.items):
        builder.add_doctype(Extra, "extra")
    return await asyncio.to_thread(builder.freeze, previous)


def _builder(queries: QueryService, settings: Settings) -> Build:
    return partial(_build, queries, settings)


async def _serve(folder: Path, *, change: bool) -> None:
    container = Container()
    container.override("build_registry", _builder)
    async with open_application(folder, roles=["worker"], environment=os.environ, container=container) as app:
        changes: RegistryChanges = app.container.get("registry_changes")
        print("ready", flush=True)
        if change:
            context = make_system_context("a change", source="cli")
            await app.documents.create(context, "Role", {"name": "Extra"})
            await changes.apply(await _build(app.queries, app.settings, app.registry))
        while "Extra" not in app.registry.doctypes:  # noqa: ASYNC110 # the step follows, and tells nobody
            await asyncio.sleep(0.01)
        await app.documents.create(make_system_context("a new DocType", source="cli"), "Extra", {})
        print("Extra", flush=True)


asyncio.run(_serve(Path(sys.argv[1]), change="change" in sys.argv[2:]))
