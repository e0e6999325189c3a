"""Port `SchemaMapperProtocol`: the storage schema of the registered DocTypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

__all__ = ["SchemaMapperProtocol"]


class SchemaMapperProtocol(Protocol):
    """Brings a store's schema in line with the DocTypes, in development.

    Contract: `sync` twice in a row changes nothing the second time; data is never dropped; a change that needs
    data to be rewritten raises ConfigurationError naming it. Where migrations own the schema, `sync` changes nothing:
    it raises ConfigurationError when the schema is not right.
    """

    async def is_migrated(self) -> bool:
        """Whether migrations own the schema: the store was changed by them, or the app has some."""
        ...

    async def plan(self) -> Sequence[str]:
        """What is missing, one readable line each: migrations that were not run, else what `sync` would do."""
        ...

    async def sync(self) -> Sequence[str]:
        """Creates and widens what is missing and returns what was done."""
        ...

    async def expand(self, registry: Any) -> Sequence[str]:
        """Does what `sync` does for a `Registry` that is to follow the current one.

        Until all processes have followed, documents that the current one can write stay possible: they get the defaults
        of fields that they do not know.
        """
        ...

    async def generation(self) -> int:
        """The number of the registry that a process has published last; 0 before the first."""
        ...

    async def publish(self) -> int:
        """Raises that number and returns it; no two callers get the same."""
        ...
