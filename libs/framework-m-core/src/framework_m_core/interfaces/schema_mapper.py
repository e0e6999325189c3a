"""Port `SchemaMapperProtocol`: the storage schema of the registered DocTypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["SchemaMapperProtocol"]


class SchemaMapperProtocol(Protocol):
    """Brings a store's schema in line with the DocTypes, in development.

    Contract: `sync` twice in a row changes nothing the second time; data is never dropped; a change that needs
    data to be rewritten raises ConfigurationError naming it.
    """

    async def plan(self) -> Sequence[str]:
        """What `sync` would do, one readable statement each; empty when the schema is right."""
        ...

    async def sync(self) -> Sequence[str]:
        """Creates and widens what is missing and returns what was done."""
        ...
