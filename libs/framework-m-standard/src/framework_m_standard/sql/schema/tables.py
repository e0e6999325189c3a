"""Tables: one per DocType, one per child table, and the framework's own."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

import sqlalchemy as sa
from pydantic import BaseModel

from framework_m_core.spi import FRAMEWORK_SPECS, CompiledChildTable, CompiledDocType, FieldKind, FieldSpec
from framework_m_standard.sql.engine.mariadb.column_types import MARIADB_KEY
from framework_m_standard.sql.schema import keys
from framework_m_standard.sql.schema.column_defaults import field_info_of
from framework_m_standard.sql.schema.field_registry import FieldRegistry

__all__ = [
    "AUDIT_SPECS",
    "BUILT_IN",
    "CONSUMER_SPECS",
    "DELIVERY_SPECS",
    "EVENT_SPECS",
    "IDEMPOTENCY_SPECS",
    "ColumnTypes",
    "Tables",
    "format_table_name",
]


def _spec(name: str, kind: FieldKind, nullable: bool = False) -> FieldSpec:
    return FieldSpec(name, kind, nullable)


def _by_name(*specs: FieldSpec) -> Mapping[str, FieldSpec]:
    return {spec.name: spec for spec in specs}


AUDIT_SPECS: Mapping[str, FieldSpec] = _by_name(
    _spec("id", FieldKind.UUID),
    _spec("at", FieldKind.DATETIME),
    _spec("actor", FieldKind.TEXT),
    _spec("action", FieldKind.TEXT),
    _spec("doctype", FieldKind.TEXT),
    _spec("document_id", FieldKind.UUID),
    _spec("version", FieldKind.INTEGER),
    _spec("request_id", FieldKind.UUID),
    _spec("source", FieldKind.TEXT),
    _spec("reason", FieldKind.TEXT, nullable=True),
    _spec("tenant", FieldKind.TEXT, nullable=True),
    _spec("changes", FieldKind.JSON),
)
EVENT_SPECS: Mapping[str, FieldSpec] = _by_name(
    _spec("id", FieldKind.UUID),
    _spec("type", FieldKind.TEXT),
    _spec("doctype", FieldKind.TEXT),
    _spec("document_id", FieldKind.UUID),
    _spec("version", FieldKind.INTEGER),
    _spec("idx", FieldKind.INTEGER),
    _spec("occurred_at", FieldKind.DATETIME),
    _spec("actor", FieldKind.TEXT),
    _spec("tenant", FieldKind.TEXT, nullable=True),
    _spec("correlation_id", FieldKind.UUID, nullable=True),
    _spec("causation_id", FieldKind.UUID, nullable=True),
    _spec("schema_version", FieldKind.INTEGER),
    _spec("data", FieldKind.JSON),
    _spec("key", FieldKind.TEXT, nullable=True),
)
"""The columns of an event; the table adds its position."""

CONSUMER_SPECS: Mapping[str, FieldSpec] = _by_name(
    _spec("name", FieldKind.TEXT),
    _spec("interest", FieldKind.JSON),
    _spec("position", FieldKind.INTEGER),
    _spec("holder", FieldKind.TEXT, nullable=True),
    _spec("expires", FieldKind.DATETIME, nullable=True),
    _spec("created_at", FieldKind.DATETIME),
)
DELIVERY_SPECS: Mapping[str, FieldSpec] = _by_name(
    _spec("consumer", FieldKind.TEXT),
    _spec("position", FieldKind.INTEGER),
    _spec("key", FieldKind.TEXT),
    _spec("attempts", FieldKind.INTEGER),
    _spec("retry_at", FieldKind.DATETIME, nullable=True),
    _spec("error", FieldKind.TEXT, nullable=True),
    _spec("parked", FieldKind.INTEGER),
)
IDEMPOTENCY_SPECS: Mapping[str, FieldSpec] = _by_name(
    _spec("key", FieldKind.TEXT),
    _spec("body_hash", FieldKind.TEXT),
    _spec("status", FieldKind.INTEGER),
    _spec("body", FieldKind.TEXT),
    _spec("etag", FieldKind.TEXT, nullable=True),
    _spec("location", FieldKind.TEXT, nullable=True),
    _spec("expires", FieldKind.DATETIME),
)


BUILT_IN: Final = "framework_m"
"""The app that is part of the framework."""


class ColumnTypes(Protocol):
    """The column type of each kind of field."""

    def column_type_of(self, spec: FieldSpec) -> sa.types.TypeEngine[Any]:
        """Return the column type of a scalar field."""
        ...


def format_table_name(doctype: str, child_field: str | None = None) -> str:
    """Return the table name of a DocType or of one of its child tables.

    DocType names contain no underscore, so table names cannot collide.
    """
    return doctype.lower() if child_field is None else keys.shorten_name(f"{doctype.lower()}__{child_field}")


class Tables:
    """SQLAlchemy tables of DocTypes, each built on first use, and of the framework.

    On SQLite they are clustered by key (WITHOUT ROWID): ids increase, so rows are appended and found in one look-up.
    """

    def __init__(
        self,
        doctypes: Iterable[CompiledDocType],
        dialect: str,
        *,
        types: ColumnTypes | None = None,
        strict: bool | None = None,
    ) -> None:
        self.metadata = sa.MetaData()
        self._doctypes = tuple(doctypes)
        self._types = types or FieldRegistry(dialect)
        self._dialect = dialect
        self._strict = dialect != "sqlite" if strict is None else strict
        self.audit = self._framework_table("activitylog", AUDIT_SPECS, "id")
        self.outbox = self._outbox()
        self.idempotency = self._framework_table("m_idempotency", IDEMPOTENCY_SPECS, "key")
        self.counter = sa.Table(
            "m_counter",
            self.metadata,
            sa.Column("prefix", self._key_type, primary_key=True, nullable=False),
            sa.Column("value", sa.BigInteger(), nullable=False),
        )
        self.consumer = self._framework_table("m_consumer", CONSUMER_SPECS, "name")
        self.delivery = self._framework_table("m_delivery", DELIVERY_SPECS, "consumer", "position")
        self.schema = sa.Table(
            "m_schema",
            self.metadata,
            sa.Column("name", self._key_type, primary_key=True, nullable=False),
            sa.Column("fingerprint", self._type(FieldKind.TEXT), nullable=False),
        )
        keys.make_index(self.audit, ["document_id", "at"])
        keys.make_index(self.idempotency, ["expires"])
        keys.make_index(self.delivery, ["consumer", "key", "position"])

    def table_of(self, plan: CompiledDocType) -> sa.Table:
        """Return the table of a DocType."""
        name = format_table_name(plan.name)
        known = self.metadata.tables.get(name)
        return known if known is not None else self._document(plan, name)

    def child_table_of(self, plan: CompiledDocType, child: CompiledChildTable) -> sa.Table:
        """Return the table of a DocType's child rows."""
        name = format_table_name(plan.name, child.field)
        known = self.metadata.tables.get(name)
        return known if known is not None else self._child(plan, child, name)

    def without_doctypes(self) -> Tables:
        """Return a copy without DocTypes' tables: one set cannot hold two versions of the same DocType."""
        other = copy.copy(self)
        other.metadata, other._doctypes = sa.MetaData(), ()
        return other

    def of(self, plan: CompiledDocType) -> tuple[sa.Table, ...]:
        """Return the tables of a DocType, those of its child rows last."""
        return (self.table_of(plan), *(self.child_table_of(plan, child) for child in plan.children.values()))

    def list_all(self) -> tuple[sa.Table, ...]:
        """Return all tables, each parent before its children."""
        for plan in self._doctypes:
            self.of(plan)
        return tuple(self.metadata.tables.values())

    @property
    def of_apps(self) -> Mapping[str, sa.Table]:
        """The tables of DocTypes declared by apps, without those that are part of the framework."""
        plans = [plan for plan in self._doctypes if plan.app != BUILT_IN]
        return {table.name: table for plan in plans for table in self.of(plan)}

    def column_type_of(self, spec: FieldSpec) -> sa.types.TypeEngine[Any]:
        """Return the column type of a field."""
        return self._types.column_type_of(spec)

    @property
    def _key_type(self) -> sa.types.TypeEngine[Any]:
        """The type of a text in a primary key."""
        return self._type(FieldKind.TEXT).with_variant(MARIADB_KEY, "mariadb")

    def _type(self, kind: FieldKind) -> sa.types.TypeEngine[Any]:
        return self._types.column_type_of(FieldSpec("", kind))

    def _column(self, spec: FieldSpec, info: dict[str, Any] | None = None) -> sa.Column[Any]:
        """Return a column, whose `info` is that of its field; the framework's own have none.

        SQLite cannot drop NOT NULL in place, so only the framework's own columns have it there, unless `strict`.
        """
        nullable = spec.nullable or not (info is None or self._strict)
        return sa.Column(spec.name, self._types.column_type_of(spec), nullable=nullable, info=info or {})

    def _columns(self, spec: FieldSpec, model: type[BaseModel]) -> Iterator[sa.Column[Any]]:
        """Yield the columns of a field."""
        for part, column in enumerate(spec.columns):
            yield self._column(column, field_info_of(self._dialect, model, spec, part))

    def _document(self, plan: CompiledDocType, name: str) -> sa.Table:
        columns: list[sa.Column[Any]] = []
        for field in plan.columns:
            spec = plan.specs[field]
            columns += [self._column(spec)] if field in FRAMEWORK_SPECS else self._columns(spec, plan.model)
        links = [keys.build_foreign_key(name, field, format_table_name(target)) for field, target in plan.links.items()]
        table = sa.Table(name, self.metadata, *columns, sa.PrimaryKeyConstraint("id"), *links, sqlite_with_rowid=False)
        for wanted in dict.fromkeys(_indexes(plan)):
            keys.make_index(table, _columns_of(plan.specs, wanted))
        for wanted in dict.fromkeys(_unique(plan)):
            keys.create_live_index(table, _columns_of(plan.specs, wanted))
        return table

    def _child(self, plan: CompiledDocType, child: CompiledChildTable, name: str) -> sa.Table:
        columns = [column for spec in child.fields.values() for column in self._columns(spec, child.model)]
        links = [
            keys.build_foreign_key(name, spec.name, format_table_name(spec.link))
            for spec in child.fields.values()
            if spec.link
        ]
        table = sa.Table(
            name,
            self.metadata,
            self._column(FRAMEWORK_SPECS["id"]),
            sa.Column("parent", self._type(FieldKind.UUID), nullable=False),
            sa.Column("idx", sa.Integer(), nullable=False),
            *columns,
            sa.PrimaryKeyConstraint("id"),
            keys.build_foreign_key(name, "parent", format_table_name(plan.name), cascade=True),
            *links,
            sqlite_with_rowid=False,
        )
        keys.make_index(table, ["parent", "idx"])
        for spec in child.fields.values():
            if spec.link or spec.index:
                keys.make_index(table, _columns_of(child.fields, [spec.name]))
        return table

    def _framework_table(self, name: str, specs: Mapping[str, FieldSpec], *primary: str) -> sa.Table:
        columns = [self._column(spec) for spec in specs.values()]
        for column in columns:
            if column.name in primary and specs[column.name].kind is FieldKind.TEXT:
                column.type = self._key_type
        return sa.Table(name, self.metadata, *columns, sa.PrimaryKeyConstraint(*primary), sqlite_with_rowid=False)

    @property
    def event_order(self) -> sa.Column[Any]:
        """The column of the outbox that consumers count by: what is read is followed only by greater ones."""
        return self.outbox.c.position if self._dialect == "sqlite" else self.outbox.c.seq

    @property
    def is_delivered_now(self) -> sa.ColumnElement[bool]:
        """True for events that consumers get: not for those that version 1.0 delivered or gave up."""
        return sa.and_(self.outbox.c.published_at.is_(None), self.outbox.c.given_up == sa.literal_column("0"))

    def _outbox(self) -> sa.Table:
        position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
        table = sa.Table(
            "m_outbox",
            self.metadata,
            sa.Column("position", position, primary_key=True, autoincrement=True),
            *(self._column(spec) for spec in EVENT_SPECS.values()),
            *(() if self._dialect == "sqlite" else (sa.Column("seq", sa.BigInteger(), nullable=True),)),
            # Version 1.0 kept the state of the one delivery here; its rows keep it.
            sa.Column("published_at", self._type(FieldKind.DATETIME), nullable=True),
            sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("given_up", sa.SmallInteger(), nullable=False, server_default="0"),
            sqlite_autoincrement=True,
        )
        _partial_index("ix_m_outbox_former", table.c.published_at, table.c.published_at.is_not(None))
        if self._dialect == "postgresql":
            fresh = sa.and_(table.c.seq.is_(None), table.c.published_at.is_(None))
            _partial_index("ix_m_outbox_fresh", table.c.position, fresh)
        if self._dialect != "sqlite":
            _partial_index("ix_m_outbox_seq", table.c.seq, table.c.seq.is_not(None))
        return table


def _columns_of(specs: Mapping[str, FieldSpec], fields: Iterable[str]) -> list[str]:
    """Return the names of the columns that hold some fields."""
    return [column.name for field in fields for column in specs[field].columns]


def _partial_index(name: str, column: sa.Column[Any], where: Any) -> None:
    sa.Index(name, column, postgresql_where=where, sqlite_where=where)


def _indexes(plan: CompiledDocType) -> Iterator[tuple[str, ...]]:
    yield ("creation", "id")
    yield ("owner", "creation", "id")
    yield ("modified", "id")
    for name, spec in plan.fields.items():
        if spec.link or spec.index:
            yield (name,)
    if plan.meta.rls_field not in (None, "owner"):
        yield (plan.meta.rls_field or "", "creation", "id")
    yield from plan.meta.indexes


def _unique(plan: CompiledDocType) -> Iterator[tuple[str, ...]]:
    yield ("name",)
    for name, spec in plan.fields.items():
        if spec.unique:
            yield (name,)
    yield from plan.meta.unique_together
