"""The statements of one DocType, compiled to text on first use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import sqlalchemy as sa

from framework_m_core.spi import (
    FRAMEWORK_SPECS,
    VERSION_FIELD,
    CompiledChildTable,
    CompiledDocType,
    FieldKind,
    FieldSpec,
    Filter,
)
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.engine.row_codec import MARIADB, make_encoders
from framework_m_standard.sql.engine.statement import Parameter, Statement, compile_statement, make_parameter
from framework_m_standard.sql.schema.tables import AUDIT_SPECS, EVENT_SPECS, Tables
from framework_m_standard.sql.statements.filter_compiler import FilterCompiler

__all__ = ["ChildStatements", "DocTypeStatements", "build_child_row"]

_EXPECTED = FieldSpec("expected", FieldKind.INTEGER)
_CHILD_FIXED = (
    FieldSpec("id", FieldKind.UUID),
    FieldSpec("parent", FieldKind.UUID),
    FieldSpec("idx", FieldKind.INTEGER),
)


class ChildStatements(NamedTuple):
    """A child table: `insert` takes a `build_child_row`, `delete` a parent and a row, `delete_all` a parent."""

    insert: Statement
    delete: Statement
    delete_all: Statement


def build_child_row(child: CompiledChildTable, parent: Any, place: int, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a child row in the column order of its insert."""
    return (row["id"], parent, place, *[row[name] for name in child.fields])


class DocTypeStatements:
    """Statements that write documents. Parameters are the columns in the plan's order, unless a docstring differs."""

    def __init__(self, tables: Tables, driver: Driver, plan: CompiledDocType) -> None:
        self.plan = plan
        self.tables = tables
        self.table = tables.table_of(plan)
        self._driver = driver

    def compile(self, clause: Any, specs: Sequence[FieldSpec]) -> Statement:
        """Compile a clause whose parameters have these specs, in order."""
        return compile_statement(clause, self._driver.dialect, self._numbered(specs))

    def _numbered(self, specs: Sequence[FieldSpec]) -> list[Parameter]:
        return [
            Parameter(number, convert, part)
            for number, spec in enumerate(specs)
            for part, convert in enumerate(make_encoders(self._driver.name, spec))
        ]

    @property
    def _specs(self) -> list[FieldSpec]:
        return [self.plan.specs[name] for name in self.plan.columns]

    def _insert_clause(self) -> Any:
        return sa.insert(self.table).values(_assigned(self.table, self._specs))

    def _update_clause(self) -> Any:
        """Return an update of all columns except id and creation, where id and expected version match.

        The expected version is one more parameter.
        """
        columns = self.plan.columns
        values = _assigned(self.table, self._specs)
        del values["id"], values["creation"]
        expected = make_parameter(len(columns), self.table.c[VERSION_FIELD].type)
        by_id = self.table.c.id == make_parameter(columns.index("id"), self.table.c.id.type)
        return sa.update(self.table).values(values).where(by_id, self.table.c[VERSION_FIELD] == expected)

    @cached_property
    def insert(self) -> Statement:
        """Statement that inserts a document."""
        return self.compile(self._insert_clause(), self._specs)

    @cached_property
    def update(self) -> Statement:
        """Statement that replaces a document; the expected version is one more parameter."""
        return self.compile(self._update_clause(), [*self._specs, _EXPECTED])

    @cached_property
    def insert_traced(self) -> Statement:
        """`insert` with its audit entry and event in one statement, which returns a row if it succeeded."""
        return self._traced(self._insert_clause(), self._specs)

    @cached_property
    def update_traced(self) -> Statement:
        """`update` with its audit entry and event in one statement, which returns a row if it succeeded."""
        return self._traced(self._update_clause(), [*self._specs, _EXPECTED])

    def _traced(self, clause: Any, specs: list[FieldSpec]) -> Statement:
        done = clause.returning(self.table.c.id).cte("done")
        audit = self._trace(self.tables.audit, AUDIT_SPECS, len(specs), done).cte("audited")
        outbox = self._trace(self.tables.outbox, EVENT_SPECS, len(specs) + len(AUDIT_SPECS), done).cte("recorded")
        whole = sa.select(done.c.id).add_cte(audit, outbox)
        return self.compile(whole, [*specs, *AUDIT_SPECS.values(), *EVENT_SPECS.values()])

    def _trace(self, table: sa.Table, specs: Mapping[str, FieldSpec], first: int, done: Any) -> Any:
        values = [make_parameter(first + n, table.c[name].type) for n, name in enumerate(specs)]
        rows = sa.select(*values).select_from(done)
        return sa.insert(table).from_select(list(specs), rows).returning(sa.literal_column("1").label("one"))

    @cached_property
    def delete(self) -> Statement:
        """Statement that deletes a row permanently; the parameter is its id."""
        clause = sa.delete(self.table).where(self.table.c.id == make_parameter(0, self.table.c.id.type))
        return self.compile(clause, [FRAMEWORK_SPECS["id"]])

    @cached_property
    def clear_own_links(self) -> Sequence[Statement]:
        """Statements that take away a document's links to itself; the parameter is its id.

        MariaDB refuses to delete a row to which any row links, itself included; the others look when all are deleted.
        """
        if self._driver.name != MARIADB:
            return ()
        found, id = [], self.table.c.id
        for name, child in self.plan.children.items():
            if any(spec.link == self.plan.name for spec in child.fields.values()):
                found.append(self.children[name].delete_all)
        for field, target in self.plan.links.items():
            if target == self.plan.name and self.plan.specs[field].nullable:
                mine = make_parameter(0, id.type)
                clause = sa.update(self.table).values({field: sa.null()}).where(id == mine, self.table.c[field] == id)
                found.append(self.compile(clause, [FRAMEWORK_SPECS["id"]]))
        return found

    @cached_property
    def children(self) -> Mapping[str, ChildStatements]:
        """The statements of child tables by field."""
        return {name: self._compile_child(child) for name, child in self.plan.children.items()}

    def _compile_child(self, child: CompiledChildTable) -> ChildStatements:
        table = self.tables.child_table_of(self.plan, child)
        row, parent = _CHILD_FIXED[:2]
        specs = [*_CHILD_FIXED, *child.fields.values()]
        of_parent = sa.delete(table).where(table.c.parent == make_parameter(0, table.c.parent.type))
        by_id = of_parent.where(table.c.id == make_parameter(1, table.c.id.type))
        return ChildStatements(
            insert=self.compile(sa.insert(table).values(_assigned(table, specs)), specs),
            delete=self.compile(by_id, [parent, row]),
            delete_all=self.compile(of_parent, [parent]),
        )

    def update_where(self, where: Filter, names: Sequence[str]) -> Statement:
        """Return an update of named columns of live rows that match a filter; parameters are the columns, then the
        placeholders."""
        compiler = FilterCompiler(self.table, self.plan.specs, self._driver.name, first=len(names))
        condition = sa.and_(self.table.c.deleted_at.is_(None), compiler.compile(where))
        values = _assigned(self.table, [self.plan.specs[name] for name in names])
        values[VERSION_FIELD] = self.table.c[VERSION_FIELD] + sa.literal_column("1")
        return self._compile_where(sa.update(self.table).values(values).where(condition), names, compiler)

    def delete_where(self, where: Filter) -> Statement:
        """Return the deletion of rows that match a filter; parameters are the placeholders."""
        compiler = FilterCompiler(self.table, self.plan.specs, self._driver.name)
        return self._compile_where(sa.delete(self.table).where(compiler.compile(where)), (), compiler)

    def _compile_where(self, clause: Any, names: Sequence[str], compiler: FilterCompiler) -> Statement:
        numbered = self._numbered([self.plan.specs[name] for name in names])
        return compile_statement(clause, self._driver.dialect, [*numbered, *compiler.parameters])


def _assigned(table: sa.Table, specs: Sequence[FieldSpec]) -> dict[str, Any]:
    """Return a parameter for each column of some fields, whose values are numbered in their order."""
    return {
        column.name: make_parameter(number, table.c[column.name].type, part)
        for number, spec in enumerate(specs)
        for part, column in enumerate(spec.columns)
    }
