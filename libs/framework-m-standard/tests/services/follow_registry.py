"""A worker process whose registry has the DocType Extra as soon as there is a role of this name.

It says `ready`, then `Extra` once it has the DocType. With the argument `change` it first makes the role and publishes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from framework_m import DocType
from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.app_modules import register_app
from framework_m_core.domain.context import system_context
from framework_m_core.registry.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.registry_changes import RegistryChanges


class Extra(DocType):
    text: str = ""


async def _build(app: Application, previous: Registry) -> Registry:
    found = await app.queries.list(system_context("build the registry"), "Role", ListRequest(fields=("name",)))
    builder = RegistryBuilder()
    for choice in app.settings.discovered.choices(discovery.APPS):
        if choice.distribution == "framework-m-standard":
            register_app(builder, choice)
    if any(role["name"] == "Extra" for role in found.items):
        builder.add_doctype(Extra, "extra")
    return await asyncio.to_thread(builder.freeze, previous)


async def _serve(folder: Path, *, change: bool) -> None:
    async with open_application(folder, roles=["worker"], environment=os.environ) as app:
        changes: RegistryChanges = app.container.get("registry_changes")
        changes.build_with(lambda previous: _build(app, previous))
        print("ready", flush=True)
        if change:
            context = system_context("a change")
            await app.documents.create(context, "Role", {"name": "Extra"})
            await changes.apply(await _build(app, app.registry))
        while "Extra" not in app.registry.doctypes:  # noqa: ASYNC110 # the step follows, and tells nobody
            await asyncio.sleep(0.01)
        await app.documents.create(system_context("a new DocType"), "Extra", {})
        print("Extra", flush=True)


asyncio.run(_serve(Path(sys.argv[1]), change="change" in sys.argv[2:]))
