"""Port `SchemaMapperProtocol`: the storage schema of the registered DocTypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from framework_m_core.domain.context import RegistryView

__all__ = ["SchemaMapperProtocol"]


class SchemaMapperProtocol(Protocol):
    """Brings a store's schema in line with the DocTypes, in development.

    Contract: a second `sync` in a row changes nothing; data is never dropped; a change that requires rewriting data
    raises ConfigurationError naming it. If migrations own the schema, `sync` changes nothing and raises
    ConfigurationError when the schema is out of date.

    `sync_schema` is the store's setting whether a start syncs; None leaves it to the rule: in development, while
    migrations do not own the schema.
    """

    @property
    def sync_schema(self) -> bool | None:
        """The store's setting whether a start syncs."""
        ...

    async def is_migrated(self) -> bool:
        """Return whether migrations own the schema: they have changed the store, or the app has some."""
        ...

    async def plan(self) -> Sequence[str]:
        """Return what is missing, one readable line each: pending migrations, or else what `sync` would do."""
        ...

    async def sync(self) -> Sequence[str]:
        """Create and widen what is missing and return what was done."""
        ...

    async def expand(self, registry: RegistryView) -> Sequence[str]:
        """Do what `sync` does for a registry that will replace the current one.

        Until all processes have switched, the current registry can still write its documents: they get the defaults of
        fields that it does not know.
        """
        ...

    async def read_generation(self) -> int:
        """Return the number of the registry that was published last; 0 before the first."""
        ...

    async def publish(self) -> int:
        """Increment that number and return it; no two callers get the same."""
        ...
