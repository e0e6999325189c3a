"""Who may change a store's schema: the one rule, which every start follows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from framework_m_core.domain.errors import ConfigurationError

__all__ = ["WHAT_TO_DO", "SchemaAuthority", "schema_authority"]


class SchemaAuthority(Enum):
    """What the schema follows."""

    DOCTYPES = auto()
    """Each start brings it in line with them."""
    NOBODY = auto()
    """Development in which the start was told to leave it."""
    MIGRATIONS = auto()
    """It changes by `m migrate run` alone, in development too."""
    PRODUCTION = auto()
    """A start never changes it, whether there are migrations yet or not."""


WHAT_TO_DO: Final[Mapping[SchemaAuthority, str]] = {
    SchemaAuthority.NOBODY: "the store's schema is not that of the DocTypes, and [sql] sync_schema is false: set it to "
    "true, or write a migration, `m migrate init`. What is lacking:",
    SchemaAuthority.MIGRATIONS: "the store's schema is changed by migrations alone, and is not that of the DocTypes: "
    '`m migrate create "what has changed"` writes what no revision does yet, `m migrate run` does it. What is lacking:',
    SchemaAuthority.PRODUCTION: "the store's schema is not that of the DocTypes, and production does not change it by "
    "itself: `m migrate run` does, by the revisions that `m migrate create` has written in development. What is "
    "lacking:",
}
"""What a start says where it may not change a schema that is not right."""


def schema_authority(*, production: bool, migrated: bool, sync: bool | None) -> SchemaAuthority:
    """The authority, by the environment, whether migrations own the schema, and the setting `[sql] sync_schema`.

    Raises ConfigurationError when the setting asks for what production never does.
    """
    if production and sync:
        raise ConfigurationError(
            "[sql] sync_schema is true, and production never changes the schema at its start: take the setting out, "
            "and run `m migrate run` before the start"
        )
    if production:
        return SchemaAuthority.PRODUCTION
    if migrated:
        return SchemaAuthority.MIGRATIONS
    return SchemaAuthority.NOBODY if sync is False else SchemaAuthority.DOCTYPES
