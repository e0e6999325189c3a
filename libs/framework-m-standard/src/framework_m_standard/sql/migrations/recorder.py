"""The record of migrations in a database: the table `m_migration`, or those of Alembic and of versions before it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from framework_m_core.spi import FORMER_APP, MigrationKind, MigrationRecord, RevisionFile, StepId
from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.engine.mariadb.column_types import MARIADB_KEY
from framework_m_standard.sql.engine.row_codec import MARIADB
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.schema.migration_tables import (
    CHANGE_TABLE,
    FORMER_CHECKSUMS,
    FORMER_PATCHES,
    FORMER_REVISIONS,
    FORMER_TABLES,
    OWN_TABLES,
    RECORD_TABLE,
)

__all__ = [
    "build_record_table",
    "forget_steps",
    "lift_timeout",
    "make_change_table",
    "make_entry",
    "prepare_record",
    "read_record",
    "record_revisions",
]

_BEGUN: Final = "begun"

_NAMES = ", ".join(f"'{name}'" for name in sorted(OWN_TABLES))
_TABLES = {
    "sqlite": f"SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ({_NAMES})",  # noqa: S608 - our names
    "postgresql": (
        "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = current_schema()::regnamespace "  # noqa: S608
        f"AND relkind = 'r' AND relname IN ({_NAMES})"
    ),
    MARIADB: (
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() "  # noqa: S608 - our names
        f"AND TABLE_NAME IN ({_NAMES})"
    ),
}


def _name_type() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(MARIADB_KEY, MARIADB)


def build_record_table() -> sa.Table:
    """Return the table of applied revisions and patches, and of the apps that have begun."""
    return sa.Table(
        RECORD_TABLE,
        sa.MetaData(),
        sa.Column("id", _name_type(), primary_key=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=True),
        sa.Column("applied_at", sa.Text(), nullable=True),
    )


def make_change_table() -> sa.Table:
    """Return the table of the finished changes of runs that have not ended, where each commits by itself."""
    return sa.Table(
        CHANGE_TABLE,
        sa.MetaData(),
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=True),
        sa.Column("run", _name_type(), nullable=False),
        sa.Column("statement", sa.Text().with_variant(mysql.LONGTEXT(), MARIADB), nullable=False),
    )


async def read_record(transaction: Transaction, dialect: str) -> MigrationRecord:
    """Read the record of migrations in the database."""
    tables = {row[0] for row in await transaction.fetch(_text(_TABLES[dialect]), ())}
    apps, revisions, patches = set[str](), dict[StepId, str | None](), dict[StepId, str]()
    if RECORD_TABLE in tables:
        for kind, app, name, checksum in await transaction.fetch(_text(_READ), ()):
            apps.add(app)
            if kind == MigrationKind.REVISION:
                revisions[StepId(app, name)] = checksum
            elif kind == MigrationKind.PATCH:
                patches[StepId(app, name)] = checksum
    if FORMER_REVISIONS in tables:
        apps.add(FORMER_APP)
        checksums = await _read_former(transaction, FORMER_CHECKSUMS, tables)
        heads = await transaction.fetch(_text("SELECT version_num FROM alembic_version"), ())
        revisions |= {StepId(FORMER_APP, row[0]): None for row in heads}
        revisions |= {StepId(FORMER_APP, name): checksum for name, checksum in checksums.items()}
        former = await _read_former(transaction, FORMER_PATCHES, tables)
        patches |= {StepId(FORMER_APP, name): checksum for name, checksum in former.items()}
    exists = RECORD_TABLE in tables or FORMER_REVISIONS in tables
    return MigrationRecord(exists, frozenset(apps), revisions, patches)


_READ: Final = "SELECT kind, app, name, checksum FROM m_migration"


async def _read_former(transaction: Transaction, table: str, existing: Collection[str]) -> Mapping[str, str]:
    if table not in existing:
        return {}
    return dict(await transaction.fetch(_text(f"SELECT name, checksum FROM {table}"), ()))  # noqa: S608 - our names


def prepare_record(connection: sa.Connection, record: MigrationRecord, apps: Iterable[str]) -> None:
    """Create the record unless it exists, and note that apps have begun: from then on migrations own the database.

    What versions before have recorded is kept, in `record`, and their tables are dropped.
    """
    table = build_record_table()
    table.create(connection, checkfirst=True)
    steps = [
        *(make_entry(MigrationKind.REVISION, step, checksum) for step, checksum in record.revisions.items()),
        *(make_entry(MigrationKind.PATCH, step, checksum) for step, checksum in record.patches.items()),
    ]
    begun = [make_entry(_BEGUN, StepId(app, "")) for app in sorted({*record.apps, *apps})]
    there = set(connection.scalars(sa.select(table.c.id)))
    if new := [entry for entry in (*begun, *steps) if entry["id"] not in there]:
        connection.execute(table.insert(), new)
    for name in FORMER_TABLES:
        sa.Table(name, sa.MetaData()).drop(connection, checkfirst=True)


def record_revisions(connection: sa.Connection, revisions: Iterable[RevisionFile], applied_at: str) -> None:
    """Record that revisions were applied."""
    entries = [make_entry(MigrationKind.REVISION, one.step, one.checksum, applied_at) for one in revisions]
    begun = {app: make_entry(_BEGUN, StepId(app, "")) for app in sorted({entry["app"] for entry in entries})}
    table = build_record_table()
    new = [*begun.values(), *entries]
    connection.execute(table.delete().where(table.c.id.in_([entry["id"] for entry in new])))
    connection.execute(table.insert(), new)


def forget_steps(connection: sa.Connection, steps: Iterable[StepId]) -> None:
    """Record that revisions were reverted."""
    ids = [make_entry(MigrationKind.REVISION, step)["id"] for step in steps]
    table = build_record_table()
    connection.execute(table.delete().where(table.c.id.in_(ids)))


def make_entry(kind: str, step: StepId, checksum: str | None = None, applied_at: str | None = None) -> dict[str, Any]:
    """Return a row of the record."""
    id = f"{kind}:{step}"
    return {"id": id, "kind": str(kind), **step._asdict(), "checksum": checksum, "applied_at": applied_at}


def _text(sql: str) -> Statement:
    return Statement(sql)


async def lift_timeout(transaction: Transaction, dialect: str) -> None:
    """Lift the statement timeout until the end of the transaction; the lock timeout stays."""
    if dialect == "postgresql":
        await transaction.run_script("SET LOCAL statement_timeout = 0")
    elif dialect == MARIADB:
        await transaction.run_script("SET SESSION max_statement_time = 0")
