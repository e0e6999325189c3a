"""An app whose registry is switched while it serves: two DocTypes are overridden as soon as a Switch says so."""

from __future__ import annotations

from pathlib import Path

__all__ = ["HOOK", "write_travel_app"]

HOOK = "by the hook"

_PROJECT = """
[project]
name = "travel"
version = "1.0.0"

[project.entry-points."framework_m.apps"]
travel = "travel"

[project.entry-points."framework_m.bootstrap"]
hold_app = "travel.switching:HoldApp"
"""
_DOCTYPES = '''
"""Trips, each with the note that its hook makes."""

from uuid import UUID

from framework_m import Controller, DocType, Field


class Note(DocType):
    text: str = ""


class Trip(DocType):
    title: str = ""
    note: UUID | None = Field(default=None, link="Note")


class TripController(Controller[Trip]):
    async def before_save(self) -> None:
        if self.doc.note is None:
            note = await self.documents.create("Note", {"text": self.doc.title})
            self.doc.note = note["id"]


class Switch(DocType):
    on: bool = False
'''
_MARKS = f'''
"""What the registry has besides while the switch is on; no module of the app, so that it is not found at the start."""

from framework_m import Controller

from travel.doctypes import Note, Trip, TripController


class MarkedTrip(Trip):
    mark: str = "none"

    class Meta:
        overrides = True


class MarkedNote(Note):
    kind: str = "none"

    class Meta:
        overrides = True


class MarkedTripController(TripController, Controller[MarkedTrip]):
    async def before_save(self) -> None:
        await super().before_save()
        self.doc.mark = {HOOK!r}


class MarkedNoteController(Controller[MarkedNote]):
    async def before_save(self) -> None:
        self.doc.kind = {HOOK!r}
'''
_SWITCHING = '''
"""Builds the registry by what the store says; a call publishes it and returns the machine's monotonic time after."""

import asyncio
import time
from typing import Any

import marks
from framework_m import requires_permission, rpc
from framework_m.container import container
from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.app_modules import register_app
from framework_m_core.domain.context import make_system_context
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.registry_changes import Build

APP: list[Any] = []


class HoldApp:
    """Keeps the application for the call below."""

    order = 41

    async def run(self, app: Any) -> None:
        APP[:] = [app]


def make_build(queries: QueryService) -> Build:
    async def build(previous: Registry) -> Registry:
        page = await queries.list(make_system_context("build", source="cli"), "Switch", ListRequest(fields=("on",)))
        settings, builder = APP[0].settings, RegistryBuilder()
        installed = settings.discovered.find_choices(discovery.APPS)
        own = (one for one in installed if one.distribution == "framework-m-standard")
        for choice in [*own, *settings.local_apps]:
            register_app(builder, choice)
        if any(switch["on"] for switch in page.items):
            for doctype in (marks.MarkedTrip, marks.MarkedNote):
                builder.add_doctype(doctype, "marks")
            for controller in (marks.MarkedTripController, marks.MarkedNoteController):
                builder.add_controller(controller)
        return await asyncio.to_thread(builder.freeze, previous)

    return build


container.build_registry.override(make_build)


@rpc("travel.publish")
@requires_permission("write", "Switch")
async def publish() -> float:
    app = APP[0]
    registry = await app.container.get("build_registry")(app.registry)
    await app.container.get("registry_changes").apply(registry)
    return time.monotonic()
'''


def write_travel_app(folder: Path) -> Path:
    """Write the app into a folder and return the folder."""
    package = folder / "src" / "travel"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(_PROJECT)
    (package / "__init__.py").write_text('"""Travel."""\n')
    (package / "doctypes.py").write_text(_DOCTYPES)
    (package / "switching.py").write_text(_SWITCHING)
    (folder / "src" / "marks.py").write_text(_MARKS)
    return folder
