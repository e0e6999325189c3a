"""Stored texts that a field no longer accepts: a choice that is gone, or more characters than it may have."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from pydantic import BaseModel

from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT
from framework_m_core.registry.registry import Registry
from framework_m_standard.sql.schema.existing import read_with
from framework_m_standard.sql.schema.tables import BUILT_IN, table_name

__all__ = ["unfit_values"]


def unfit_values(connection: sa.Connection, registry: Registry) -> list[str]:
    """Return a line with a count for each field of the app whose stored values it would refuse."""
    there = read_with(connection).columns
    lines: list[str] = []
    for plan in registry.doctypes.values():
        if plan.app == BUILT_IN:
            continue
        tables = [(table_name(plan.name), plan.model, plan.fields, plan.indexed_text)]
        for child in plan.children.values():
            tables.append((table_name(plan.name, child.field), child.model, child.fields, ()))
        for table, model, fields, indexed in tables:
            for spec in fields.values():
                if spec.kind is FieldKind.TEXT and spec.name in there.get(table, {}):
                    lines += _of_field(connection, table, model, spec, is_indexed=spec.name in indexed)
    return lines


def _of_field(
    connection: sa.Connection, table: str, model: type[BaseModel], spec: FieldSpec, *, is_indexed: bool
) -> Iterator[str]:
    column: sa.ColumnClause[str] = sa.column(spec.name, sa.Text())
    for condition, reason in _refused(column, model, spec, is_indexed=is_indexed):
        query = sa.select(sa.func.count()).select_from(sa.table(table, column)).where(condition)
        if rows := connection.scalar(query):
            yield f"{rows} rows of {table} hold a {spec.name} {reason}"


def _refused(
    column: sa.ColumnClause[str], model: type[BaseModel], spec: FieldSpec, *, is_indexed: bool
) -> Iterator[tuple[sa.ColumnElement[bool], str]]:
    """Yield the conditions on which the field refuses a value, with words for them."""
    if spec.choices:
        yield column.not_in(spec.choices), f"that is none of {', '.join(spec.choices)}"
    constraints = model.model_fields[spec.name].metadata
    longest = [one.max_length for one in constraints if getattr(one, "max_length", None) is not None]
    if is_indexed:
        longest.append(MAX_INDEXED_TEXT)
    if longest:
        yield sa.func.length(column) > min(longest), f"of more than {min(longest)} characters"
