"""Bootstrap steps of the in-memory store: an empty database, and a user who can log in."""

from __future__ import annotations

import logging
import secrets

from framework_m_core.spi import ADMINISTRATOR, ApplicationView, ConfigurationError, IdentityProtocol
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_standard.memory.engine.store import MemoryStore
from framework_m_standard.memory.settings import MemorySettings

__all__ = ["InitMemory", "MakeAdministrator"]

_log = logging.getLogger(__name__)


class InitMemory:
    """Step `init_memory`: an empty database for this process, and the store for the DocTypes."""

    order = 25

    async def run(self, app: ApplicationView) -> None:
        """Provide `memory_database` and bind `memory_store`. Raises ConfigurationError in production."""
        if app.settings.production:
            raise ConfigurationError(
                "the in-memory store loses all data when its process ends, and each worker has its own: choose "
                "another in production, by [adapters] store or M_ADAPTERS__STORE"
            )
        _log.warning("the store is in memory: its data is lost when this process ends")
        settings: MemorySettings = app.container.get("memory_settings")
        app.container.provide("memory_database", MemoryDatabase(settings.lock_timeout_seconds))
        app.container.bind("memory_store", MemoryStore)


class MakeAdministrator:
    """Step `make_administrator`: a first user in a serving process, since `m user create` runs in another process."""

    order = 55
    roles = frozenset({"web"})

    async def run(self, app: ApplicationView) -> None:
        """Create the configured administrator and log how to log in, with the password if it was generated."""
        settings: MemorySettings = app.container.get("memory_settings")
        identity: IdentityProtocol = app.container.get("identity")
        chosen = settings.password
        password = secrets.token_urlsafe(12) if chosen is None else chosen.get_secret_value()
        await identity.create(settings.administrator, password, [ADMINISTRATOR], for_development=True)
        shown = password if chosen is None else "the password of [memory]"
        _log.warning("log in as %s with %s", settings.administrator, shown)
