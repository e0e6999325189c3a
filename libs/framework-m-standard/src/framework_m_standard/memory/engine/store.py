"""`MemoryStore`: a database and the registry of its DocTypes, shared by the adapters of the store family."""

from __future__ import annotations

from framework_m_core.spi import Registry, RegistryHandle, RegistryView
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_standard.memory.engine.table import Table

__all__ = ["MemoryStore"]


class MemoryStore:
    """A database for the current and future registries. New DocTypes get an empty table, which needs no sync."""

    def __init__(self, memory_database: MemoryDatabase, registry_handle: RegistryHandle) -> None:
        self.database = memory_database
        self.registry_handle = registry_handle
        self.make_tables(registry_handle.current)

    def __repr__(self) -> str:
        return f"<MemoryStore: {len(self.database.tables)} tables>"

    @property
    def registry(self) -> Registry:
        """The current registry; units use the one in their context."""
        return self.registry_handle.current

    def make_tables(self, registry: RegistryView) -> None:
        """Create the missing tables of a registry's DocTypes."""
        for plan in registry.doctypes.values():
            if plan.name not in self.database.tables:
                self.database.tables[plan.name] = Table(plan)
