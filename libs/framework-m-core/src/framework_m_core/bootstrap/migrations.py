"""Opening an app for its migrations: DocTypes loaded and store connected, whatever the state of its schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from framework_m_core.bootstrap.application import STORE_CONNECTED, Application
from framework_m_core.bootstrap.composition import bind_services
from framework_m_core.bootstrap.plugins.binding import STORE_FAMILY
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.migration import MigrationProtocol

__all__ = ["MIGRATED", "open_migrations"]

MIGRATED: Final = "migrated"
"""A file in the data folder, touched after a schema change to notify a waiting development server."""


@asynccontextmanager
async def open_migrations(folder: Path | None = None, *, changing: bool = False) -> AsyncIterator[MigrationProtocol]:
    """Open the migrations of the app in a folder (default: the working directory); `changing` if they will be run.

    Raises ConfigurationError if there is no app, or if the chosen store has no migrations.
    """
    application = Application(load_settings(folder or Path.cwd(), secrets=False, needs_app=True))
    if application.binding_of("migration") is None:
        store = application.binding_of("schema_mapper")
        name = store.choice.name if store else "?"
        raise ConfigurationError(f"the store {name!r} needs no migrations: it keeps no schema beside the DocTypes")
    await application.open(("cli",), STORE_CONNECTED)
    try:
        application.bind_ports(*STORE_FAMILY, "permission")
        application.bind_app_ports()
        bind_services(application.container)
        application.bind_ports("migration")
        migrations: MigrationProtocol = application.container.get("migration")
        yield migrations
        if changing and application.settings.data_folder.is_dir():
            (application.settings.data_folder / MIGRATED).touch()
    finally:
        await application.close()
