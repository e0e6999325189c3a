"""Bootstrap steps of the MongoDB store: connect, then bind the store that its adapters share."""

from __future__ import annotations

from framework_m_core.spi import ApplicationView, MigrationFolders, RegistryHandle
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.settings import MongoSettings
from framework_mx_mongo.store import MongoStore

__all__ = ["InitMongo", "InitMongoStore"]


class InitMongo:
    """Step `init_mongo`: connect to the server."""

    order = 10

    def __init__(self) -> None:
        self._driver: MongoDriver | None = None

    async def run(self, app: ApplicationView) -> None:
        """Open the driver for the configured address."""
        settings: MongoSettings = app.container.get("mongo_settings")
        driver = MongoDriver(settings)
        await driver.open()
        self._driver = driver
        app.container.provide("mongo_driver", driver)

    async def ping(self) -> None:
        """Raise an error while the server does not respond."""
        if self._driver is not None:
            await self._driver.ping()

    async def close(self) -> None:
        """Close all connections."""
        if self._driver is not None:
            await self._driver.close()


class InitMongoStore:
    """Step `init_mongo_store`: bind the store once the DocTypes are known."""

    order = 25

    async def run(self, app: ApplicationView) -> None:
        """Bind `mongo_store`."""
        app.container.bind("mongo_store", _store)


def _store(
    mongo_driver: MongoDriver, registry_handle: RegistryHandle, migration_folders: MigrationFolders
) -> MongoStore:
    return MongoStore(mongo_driver, registry_handle, migration_folders)
