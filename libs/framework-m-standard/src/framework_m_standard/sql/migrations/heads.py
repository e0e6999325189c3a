"""The tables that an app's revisions create, found by running them on an empty in-memory database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from framework_m_core.spi import ConfigurationError, MigrationError
from framework_m_standard.sql.migrations.autogenerate.app_comparison import SchemaComparison
from framework_m_standard.sql.migrations.database import register_kinds
from framework_m_standard.sql.migrations.runner import RevisionRunner
from framework_m_standard.sql.schema.changes import Change
from framework_m_standard.sql.schema.existing import ExistingSchema

__all__ = ["Head", "inspect_head"]


@dataclass(frozen=True, slots=True)
class Head:
    """The differences between the newest revision and the DocTypes, and the tables that the revision creates."""

    changes: Sequence[Change]
    tables: ExistingSchema


def inspect_head(revisions: RevisionRunner, revision: str, comparison: SchemaComparison) -> Head:
    """Run the revisions on an empty SQLite database in memory. Raises ConfigurationError if SQLite cannot run them."""
    engine = register_kinds(sa.create_engine("sqlite://", poolclass=StaticPool))
    try:
        with engine.begin() as connection:
            comparison.make_framework(connection)
            revisions.upgrade(connection, revision, trying=True)
            return Head(comparison.changes(connection), comparison.existing(connection))
    except MigrationError as error:
        raise ConfigurationError(
            f"the tables cannot be adopted, because the revisions do not run on an in-memory database: "
            f"{error.message}. Start with an empty database and `m migrate run`"
        ) from error
    finally:
        engine.dispose()
