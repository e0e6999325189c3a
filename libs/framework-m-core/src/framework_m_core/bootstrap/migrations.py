"""An app opened for its migrations: the DocTypes are known and the store is reached, and its schema may be anything."""

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
"""A file in development's folder, touched when a schema has changed, so that a server that waits for it hears of it."""


@asynccontextmanager
async def open_migrations(folder: Path | None = None, *, changing: bool = False) -> AsyncIterator[MigrationProtocol]:
    """The migrations of the app in a folder (default: the working directory); `changing` says that they are run.

    Raises ConfigurationError where there is no app, or where the chosen store has none.
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
