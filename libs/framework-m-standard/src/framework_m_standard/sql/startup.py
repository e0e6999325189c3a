"""The driver for an address, and the steps of the SQL store: connect, then bind the store that its adapters share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from framework_m_core.bootstrap.plugins.discovery import Choice, load
from framework_m_core.bootstrap.settings.secrets import make_data_folder
from framework_m_core.spi import ApplicationView, ConfigurationError, MigrationFolders, RegistryHandle
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.engine.sqlite_driver import SqliteDriver
from framework_m_standard.sql.settings import MARIADB_SCHEMES, POSTGRESQL, SqlSettings, format_sqlite_address
from framework_m_standard.sql.store import SqlStore

__all__ = ["InitEngine", "InitStore", "make_driver"]

_POSTGRESQL: Final = Choice(
    "postgres", "framework_m_standard.sql.engine.postgres_driver:PostgresDriver", "framework-m-standard"
)
_MARIADB: Final = Choice(
    "mariadb", "framework_m_standard.sql.engine.mariadb.driver:MariadbDriver", "framework-m-standard"
)
_OPTIONAL: Final = {**dict.fromkeys(POSTGRESQL, _POSTGRESQL), **dict.fromkeys(MARIADB_SCHEMES, _MARIADB)}
"""The drivers by scheme whose packages are extras of the choice's name."""


def make_driver(settings: SqlSettings, data_folder: Path) -> Driver:
    """Return the driver for the configured address. Raises ConfigurationError if its package is not installed."""
    url = settings.url or format_sqlite_address(data_folder)
    scheme, _, rest = url.partition("://")
    if scheme in _OPTIONAL:
        driver: Driver = _load(_OPTIONAL[scheme])(url, settings)
        return driver
    return SqliteDriver(Path(rest.removeprefix("/")), settings)


def _load(choice: Choice) -> Any:
    try:
        return load(choice)
    except ConfigurationError as error:
        if not isinstance(error.__cause__, ImportError):
            raise
        raise ConfigurationError(
            f"the database needs its driver: pip install '{choice.distribution}[{choice.name}]'"
        ) from error


class InitEngine:
    """Step `init_engine`: connect to the database."""

    order = 10

    def __init__(self) -> None:
        self._driver: Driver | None = None

    async def run(self, app: ApplicationView) -> None:
        """Open the driver for the configured address."""
        settings: SqlSettings = app.container.get("sql_settings")
        folder = make_data_folder(app.settings.data_folder) if settings.url is None else app.settings.data_folder
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
    """Step `init_store`: bind the store once the DocTypes are known."""

    order = 25

    async def run(self, app: ApplicationView) -> None:
        """Bind `sql_store`."""
        app.container.bind("sql_store", _store)


def _store(
    sql_driver: Driver, registry_handle: RegistryHandle, migration_folders: MigrationFolders, sql_settings: SqlSettings
) -> SqlStore:
    return SqlStore(sql_driver, registry_handle, migration_folders, sql_settings.sync_schema)
