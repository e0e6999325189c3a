"""`MemoryStore`: what the adapters of the store family share: a database and the DocTypes kept in it."""

from __future__ import annotations

from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_standard.memory.engine.table import Table

__all__ = ["MemoryStore"]


class MemoryStore:
    """A database under registries. DocTypes that it has never seen get a table: there is nothing to bring in line."""

    def __init__(self, memory_database: MemoryDatabase, registry_handle: RegistryHandle) -> None:
        self.database = memory_database
        self.registries = registry_handle
        self.make_tables(registry_handle.current)

    @property
    def registry(self) -> Registry:
        """The current registry; a unit asks its context."""
        return self.registries.current

    def make_tables(self, registry: Registry) -> None:
        """Give every DocType of a registry a table."""
        for plan in registry.doctypes.values():
            if plan.name not in self.database.tables:
                self.database.tables[plan.name] = Table(plan)
