"""`Expansion`: what a new registry needs of tables to which processes with the current one keep writing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from framework_m_core.spi import CompiledDocType, FieldSpec, RegistryView
from framework_m_standard.sql.schema.tables import Tables, format_table_name

__all__ = ["Expansion", "plan_expansion"]


@dataclass(frozen=True, slots=True)
class Expansion:
    """The tables of changed DocTypes, and the columns of them that the current registry writes."""

    tables: Sequence[sa.Table]
    written: Mapping[str, Collection[str]]

    def is_new(self, table: sa.Table, column: sa.Column[object]) -> bool:
        """Return whether the current registry writes rows of the table without this column."""
        return table.name in self.written and column.name not in self.written[table.name]


def plan_expansion(current: RegistryView, coming: RegistryView, tables: Tables) -> Expansion:
    """Compare registries; DocTypes that both share are skipped."""
    changed = [plan for plan in coming.doctypes.values() if current.doctypes.get(plan.name) is not plan]
    for target in {target for plan in changed for target in _targets(plan)}:
        tables.table_of(coming.get(target))  # constraints refer to its table
    before = [current.doctypes[plan.name] for plan in changed if plan.name in current.doctypes]
    written = {format_table_name(plan.name): _names(plan.stored_columns) for plan in before}
    for plan in before:
        for field, child in plan.children.items():
            written[format_table_name(plan.name, field)] = (*_names(child.stored_columns), "parent", "idx")
    return Expansion([table for plan in changed for table in tables.of(plan)], written)


def _names(columns: tuple[FieldSpec, ...]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def _targets(plan: CompiledDocType) -> set[str]:
    specs = [*plan.fields.values(), *(spec for child in plan.children.values() for spec in child.fields.values())]
    return {spec.link for spec in specs if spec.link}
