"""The statements of one DocType, compiled to text on first use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.filters.tree import Filter
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledChildTable, CompiledDocType
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.schema.tables import AUDIT_SPECS, EVENT_SPECS, Tables
from framework_m_standard.sql.statements.compiled import Parameter, Statement, compile_statement, parameter
from framework_m_standard.sql.statements.filter_compiler import FilterCompiler
from framework_m_standard.sql.statements.row_codec import encoders

__all__ = ["DocTypeStatements", "child_row"]

_EXPECTED = FieldSpec("expected", FieldKind.INTEGER)
_CHILD_FIXED = (
    FieldSpec("id", FieldKind.UUID),
    FieldSpec("parent", FieldKind.UUID),
    FieldSpec("idx", FieldKind.INTEGER),
)


def child_row(child: CompiledChildTable, parent: Any, place: int, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a child row in the column order of its insert."""
    return (row["id"], parent, place, *[row[name] for name in child.fields])


class DocTypeStatements:
    """Statements that write documents. Parameters are the columns in the plan's order, unless a docstring differs."""

    def __init__(self, tables: Tables, driver: Driver, plan: CompiledDocType) -> None:
        self.plan = plan
        self.tables = tables
        self.table = tables.document(plan)
        self._driver = driver

    def compile(self, clause: Any, specs: Sequence[FieldSpec], *, heavy: bool = False) -> Statement:
        """Compile a clause whose parameters have these specs, in order."""
        return compile_statement(clause, self._driver.dialect, self._numbered(specs), heavy=heavy)

    def _numbered(self, specs: Sequence[FieldSpec]) -> list[Parameter]:
        return [
            Parameter(number, convert, part)
            for number, spec in enumerate(specs)
            for part, convert in enumerate(encoders(self._driver.name, spec))
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
        expected = parameter(len(columns), self.table.c[VERSION_FIELD].type)
        by_id = self.table.c.id == parameter(columns.index("id"), self.table.c.id.type)
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
        values = [parameter(first + n, table.c[name].type) for n, name in enumerate(specs)]
        rows = sa.select(*values).select_from(done)
        return sa.insert(table).from_select(list(specs), rows).returning(sa.literal_column("1").label("one"))

    @cached_property
    def delete(self) -> Statement:
        """Statement that deletes a row permanently; the parameter is its id."""
        clause = sa.delete(self.table).where(self.table.c.id == parameter(0, self.table.c.id.type))
        return self.compile(clause, [FRAMEWORK_SPECS["id"]])

    def insert_child(self, child: CompiledChildTable) -> Statement:
        """Return the statement that inserts a child row; its parameters are those of `child_row`."""
        return self._child_statements[child.field][0]

    def delete_children(self, child: CompiledChildTable) -> Statement:
        """Return the statement that deletes a parent's rows of a child table; the parameter is the parent's id."""
        return self._child_statements[child.field][1]

    @cached_property
    def _child_statements(self) -> Mapping[str, tuple[Statement, Statement]]:
        return {name: self._compile_child(child) for name, child in self.plan.children.items()}

    def _compile_child(self, child: CompiledChildTable) -> tuple[Statement, Statement]:
        table = self.tables.child(self.plan, child)
        specs = [*_CHILD_FIXED, *child.fields.values()]
        values = _assigned(table, specs)
        delete = sa.delete(table).where(table.c.parent == parameter(0, table.c.parent.type))
        return self.compile(sa.insert(table).values(values), specs), self.compile(delete, [_CHILD_FIXED[1]])

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
        column.name: parameter(number, table.c[column.name].type, part)
        for number, spec in enumerate(specs)
        for part, column in enumerate(spec.columns)
    }
