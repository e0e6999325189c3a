"""`SqlStore`: driver, tables and compiled statements, shared by the adapters of the store family."""

from __future__ import annotations

from collections.abc import Sequence

from framework_m_core.spi import (
    CompiledDocType,
    Derived,
    MigrationFolders,
    Registry,
    RegistryHandle,
    RegistryView,
    RequestContext,
    StoreCapability,
)
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.engine.row_codec import MARIADB
from framework_m_standard.sql.schema.tables import Tables
from framework_m_standard.sql.statements.documents import DocTypeStatements
from framework_m_standard.sql.statements.framework import FrameworkStatements

__all__ = ["SqlStore"]


class SqlStore:
    """A database, everything compiled for it, and the folders of the apps' migrations.

    `global_driver` is for what belongs to no tenant: schema, migrations and the outbox. Everything done for a request
    uses `driver_for` its context.
    """

    def __init__(
        self,
        driver: Driver,
        registry_handle: RegistryHandle,
        migrations: MigrationFolders | None = None,
        sync_schema: bool | None = None,
    ) -> None:
        self.global_driver = driver
        self.sync_schema = sync_schema
        self.migrations = migrations or MigrationFolders()
        self.registry_handle = registry_handle
        self.framework_tables = Tables((), driver.name)
        self.framework = FrameworkStatements(self.framework_tables, driver)
        self._tables: Derived[RegistryView, Tables] = Derived(lambda one: Tables(one.doctypes.values(), driver.name))
        self._statements: Derived[CompiledDocType, DocTypeStatements] = Derived(self._compile)

    def __repr__(self) -> str:
        return f"<SqlStore on {self.global_driver!r}>"

    def driver_for(self, context: RequestContext) -> Driver:
        """Return the driver of a context's tenant; at present, one serves all."""
        return self.global_driver

    @property
    def capabilities(self) -> frozenset[StoreCapability]:
        """What the database can do; each change of a schema commits by itself on MariaDB."""
        lacks = {StoreCapability.TRANSACTIONAL_SCHEMA} if self.global_driver.name == MARIADB else set()
        return frozenset(StoreCapability) - lacks

    def list_drivers(self) -> Sequence[Driver]:
        """Return all drivers that `driver_for` may return, for upkeep of every tenant's data."""
        return (self.global_driver,)

    @property
    def registry(self) -> Registry:
        """The current registry, for code that handles the whole schema; a unit of work uses that of its context."""
        return self.registry_handle.current

    def tables_of(self, registry: RegistryView) -> Tables:
        """Return all tables of a registry, for schema comparisons."""
        return self._tables.of(registry)

    def statements_of(self, plan: CompiledDocType) -> DocTypeStatements:
        """Return the statements of a DocType, compiled on first use."""
        return self._statements.of(plan)

    def _compile(self, plan: CompiledDocType) -> DocTypeStatements:
        return DocTypeStatements(self.framework_tables.without_doctypes(), self.global_driver, plan)
