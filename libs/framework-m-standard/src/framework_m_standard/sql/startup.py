"""Bootstrap steps of the SQL store: connect, then bind the store that its adapters share."""

from __future__ import annotations

from framework_m_core.bootstrap.application import Application
from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.bootstrap.settings.secrets import data_folder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.store import SqlStore, make_driver

__all__ = ["InitEngine", "InitStore"]


class InitEngine:
    """Step `init_engine`: connects to the database."""

    order = 10

    def __init__(self) -> None:
        self._driver: Driver | None = None

    async def run(self, app: Application) -> None:
        """Open the driver for the configured address."""
        settings: SqlSettings = app.container.get("sql_settings")
        folder = data_folder(app.settings.data_folder) if settings.url is None else app.settings.data_folder
        driver = make_driver(settings, folder)
        await driver.open()
        self._driver = driver
        app.container.provide("sql_driver", driver)

    async def ping(self) -> None:
        """Raise an error while the database does not respond."""
        if self._driver is not None:
            await self._driver.ping()

    async def close(self) -> None:
        """Close all connections."""
        if self._driver is not None:
            await self._driver.close()


class InitStore:
    """Step `init_store`: binds the store once the DocTypes are known."""

    order = 25

    async def run(self, app: Application) -> None:
        """Bind `sql_store`."""
        app.container.bind("sql_store", _store)


def _store(sql_driver: Driver, registry_handle: RegistryHandle, settings: Settings) -> SqlStore:
    return SqlStore(sql_driver, registry_handle, settings.root / "migrations")
