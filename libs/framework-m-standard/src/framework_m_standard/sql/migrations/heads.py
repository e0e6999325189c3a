"""The tables that revisions create, found by running them on an empty in-memory database."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from framework_m_core.spi import ConfigurationError, MigrationError, MigrationGraph, RevisionFile
from framework_m_standard.sql.migrations.autogenerate.app_comparison import SchemaComparison
from framework_m_standard.sql.migrations.database import register_kinds
from framework_m_standard.sql.migrations.runner import RevisionRunner
from framework_m_standard.sql.schema.changes import Change
from framework_m_standard.sql.schema.existing import ExistingSchema

__all__ = ["Head", "inspect_head", "inspect_revisions"]


@dataclass(frozen=True, slots=True)
class Head:
    """The differences between the newest revisions and the DocTypes, and the tables that the revisions create."""

    changes: list[Change]
    tables: ExistingSchema


def inspect_head(runner: RevisionRunner, graph: MigrationGraph, comparison: SchemaComparison) -> Head:
    """Run all revisions on an empty SQLite database. Raises ConfigurationError if SQLite cannot run them."""
    with _open_empty(comparison) as connection:
        for file in graph.order:
            if isinstance(file, RevisionFile) and file.step not in graph.adopters:
                runner.execute(connection, graph, file)
        return Head(comparison.find_changes(connection), comparison.read_existing(connection))


def inspect_revisions(
    runner: RevisionRunner, graph: MigrationGraph, comparison: SchemaComparison, app: str, needs: Collection[str]
) -> Iterator[tuple[RevisionFile, ExistingSchema]]:
    """Yield each revision of an app with the tables after it; `needs` are the apps whose revisions are run, too."""
    with _open_empty(comparison) as connection:
        for file in graph.order:
            if isinstance(file, RevisionFile) and file.app in {app, *needs}:
                runner.execute(connection, graph, file)
                if file.app == app:
                    yield file, comparison.read_existing(connection)


@contextmanager
def _open_empty(comparison: SchemaComparison) -> Iterator[sa.Connection]:
    """Open a database in memory. Raises ConfigurationError for a revision that fails there."""
    engine = register_kinds(sa.create_engine("sqlite://", poolclass=StaticPool))
    try:
        with engine.begin() as connection:
            comparison.make_framework(connection)
            yield connection
    except MigrationError as error:
        raise ConfigurationError(
            f"the tables cannot be adopted, because the revisions do not run on an in-memory database: "
            f"{error.message}. Start with an empty database and `m migrate run`"
        ) from error
    finally:
        engine.dispose()
