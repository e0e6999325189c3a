"""The tables that an app's revisions create, found by running them on an empty in-memory database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from alembic.operations import MigrateOperation, ops
from sqlalchemy.pool import StaticPool

from framework_m_core.domain.errors import ConfigurationError, MigrationError
from framework_m_standard.sql.migrations.autogenerate.reflected_types import kind_type_of
from framework_m_standard.sql.migrations.database import knowing_kinds
from framework_m_standard.sql.migrations.operations.alembic_operations import AddColumn
from framework_m_standard.sql.migrations.operations.dropping import dropped_table
from framework_m_standard.sql.migrations.recorder import OWN_TABLES
from framework_m_standard.sql.migrations.runner import RevisionRunner

__all__ = ["Head", "look_at_head"]


@dataclass(frozen=True, slots=True)
class Head:
    """The differences between the newest revision and the DocTypes, and the tables that the revision creates."""

    changes: Sequence[MigrateOperation]
    tables: sa.MetaData

    def kept(self, connection: sa.Connection) -> Iterator[MigrateOperation]:
        """Yield the operations that add what a database lacks of these tables: what no DocType declares anymore."""
        inspector = sa.inspect(connection)
        for table in self.tables.sorted_tables:
            if not inspector.has_table(table.name):
                yield dropped_table(ops.DropTableOp.from_table(table)).reverse()
                continue
            there = {column["name"] for column in inspector.get_columns(table.name)}
            for column in table.columns:
                if column.name not in there:
                    yield AddColumn(table.name, sa.Column(column.name, kind_type_of(column.type), nullable=True))


def look_at_head(
    revisions: RevisionRunner,
    revision: str,
    *,
    prepare: Callable[[sa.Connection], None],
    compare: Callable[[sa.Connection], Sequence[MigrateOperation]],
) -> Head:
    """Run the revisions on an empty SQLite database in memory. Raises ConfigurationError if SQLite cannot run them."""
    engine = knowing_kinds(sa.create_engine("sqlite://", poolclass=StaticPool))
    try:
        with engine.begin() as connection:
            prepare(connection)
            revisions.upgrade(connection, revision, trying=True)
            tables = sa.MetaData()
            tables.reflect(connection, only=lambda name, _: name not in OWN_TABLES)
            return Head(compare(connection), tables)
    except MigrationError as error:
        raise ConfigurationError(
            f"the tables cannot be adopted, because the revisions do not run on an in-memory database: "
            f"{error.message}. Start with an empty database and `m migrate run`"
        ) from error
    finally:
        engine.dispose()
