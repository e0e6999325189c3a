"""Bootstrap step of the store in memory."""

from __future__ import annotations

from framework_m_core.bootstrap.application import Application
from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.memory.database import MemoryDatabase
from framework_m_standard.memory.settings import MemorySettings
from framework_m_standard.memory.store import MemoryStore

__all__ = ["InitMemory"]


class InitMemory:
    """Step `init_memory`: an empty database for this process, and the store once the DocTypes are known."""

    order = 25

    async def run(self, app: Application) -> None:
        """Provides `memory_database` and binds `memory_store`. Raises ConfigurationError in production."""
        if app.settings.production:
            raise ConfigurationError(
                "the store in memory forgets everything when its process ends, and each worker has its own: choose "
                "another in production, with [adapters] store, M_ADAPTERS__STORE or neither"
            )
        settings: MemorySettings = app.container.get("memory_settings")
        app.container.provide("memory_database", MemoryDatabase(settings.lock_timeout))
        app.container.bind("memory_store", MemoryStore)
