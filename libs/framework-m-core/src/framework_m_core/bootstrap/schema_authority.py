"""The rule for what may change a store's schema, applied at every start."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from framework_m_core.domain.errors import ConfigurationError

__all__ = ["WHAT_TO_DO", "SchemaAuthority", "decide_schema_authority"]


class SchemaAuthority(Enum):
    """What determines the store's schema."""

    DOCTYPES = auto()
    """Each start brings the schema in line with the DocTypes."""
    NOBODY = auto()
    """Development with schema sync turned off."""
    MIGRATIONS = auto()
    """Only `m migrate run` changes the schema, even in development."""
    PRODUCTION = auto()
    """A start never changes the schema, whether or not there are migrations."""


WHAT_TO_DO: Final[Mapping[SchemaAuthority, str]] = {
    SchemaAuthority.NOBODY: "the store's schema does not match the DocTypes, and its setting sync_schema is false: "
    "set it to true, or create migrations with `m migrate init`. Missing:",
    SchemaAuthority.MIGRATIONS: "the store's schema does not match the DocTypes, and only migrations change it: run "
    '`m migrate create "what has changed"` if a revision is missing, then `m migrate run`. Missing:',
    SchemaAuthority.PRODUCTION: "the store's schema does not match the DocTypes, and production does not change it on "
    "start: run `m migrate run`, with the revisions that `m migrate create` wrote in development. Missing:",
}
"""Error messages of a start that may not change an outdated schema."""


def decide_schema_authority(*, production: bool, migrated: bool, sync: bool | None) -> SchemaAuthority:
    """Return the authority for an environment, migration ownership, and the store's setting `sync_schema`.

    Raises ConfigurationError if the setting is true in production.
    """
    if production and sync:
        raise ConfigurationError(
            "the store's setting sync_schema is true, but production never changes the schema on start: remove "
            "the setting and run `m migrate run` before starting"
        )
    if production:
        return SchemaAuthority.PRODUCTION
    if migrated:
        return SchemaAuthority.MIGRATIONS
    return SchemaAuthority.NOBODY if sync is False else SchemaAuthority.DOCTYPES
