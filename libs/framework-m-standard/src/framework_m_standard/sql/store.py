"""`SqlStore`: driver, tables and compiled statements, shared by the adapters of the store family."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.engine.sqlite_driver import SqliteDriver
from framework_m_standard.sql.schema.tables import Tables
from framework_m_standard.sql.settings import POSTGRESQL, SqlSettings, sqlite_address
from framework_m_standard.sql.statements.documents import DocTypeStatements
from framework_m_standard.sql.statements.framework import FrameworkStatements

__all__ = ["SqlStore", "make_driver"]


def make_driver(settings: SqlSettings, data_folder: Path) -> Driver:
    """Return the driver for the configured address. Raises ConfigurationError if its package is not installed."""
    url = settings.url or sqlite_address(data_folder)
    scheme, _, rest = url.partition("://")
    if scheme in POSTGRESQL:
        return _postgres(url, settings)
    return SqliteDriver(Path(rest.removeprefix("/")), settings)


def _postgres(url: str, settings: SqlSettings) -> Driver:
    try:
        from framework_m_standard.sql.engine.postgres_driver import PostgresDriver
    except ImportError as error:
        raise ConfigurationError("PostgreSQL needs its driver: pip install 'framework-m-standard[postgres]'") from error
    return PostgresDriver(url, settings)


class SqlStore:
    """A database, everything compiled for it, and the folder of the app's migrations, which need not exist.

    `global_driver` is for what belongs to no tenant: schema, migrations and the outbox. Everything done for a request
    uses `driver_for` its context.
    """

    def __init__(self, driver: Driver, registries: RegistryHandle, migrations: Path | None = None) -> None:
        self.global_driver = driver
        self.migrations = migrations
        self.registries = registries
        self.framework_tables = Tables((), driver.name)
        self.framework = FrameworkStatements(self.framework_tables, driver)
        self._tables: Derived[Registry, Tables] = Derived(lambda one: Tables(one.doctypes.values(), driver.name))
        self._statements: Derived[CompiledDocType, DocTypeStatements] = Derived(self._compile)

    def __repr__(self) -> str:
        return f"<SqlStore on {self.global_driver!r}>"

    def driver_for(self, context: RequestContext) -> Driver:
        """Return the driver of a context's tenant; at present, one serves all."""
        return self.global_driver

    def drivers(self) -> Sequence[Driver]:
        """Return all drivers that `driver_for` may return, for upkeep of every tenant's data."""
        return (self.global_driver,)

    @property
    def registry(self) -> Registry:
        """The current registry, for code that handles the whole schema; a unit of work uses that of its context."""
        return self.registries.current

    def tables(self, registry: Registry) -> Tables:
        """Return all tables of a registry, for schema comparisons."""
        return self._tables.of(registry)

    def statements(self, plan: CompiledDocType) -> DocTypeStatements:
        """Return the statements of a DocType, compiled on first use."""
        return self._statements.of(plan)

    def _compile(self, plan: CompiledDocType) -> DocTypeStatements:
        return DocTypeStatements(self.framework_tables.apart(), self.global_driver, plan)
